"""The dashboard's board: which release is in each environment and what may go next; pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from deployments.releases.cells import Cell, Deployed
from deployments.releases.progression import Progression

DEPLOYABLE: Final = "deployable"
TABS: Final = (
    ("", "All projects"),
    ("waiting", "Waiting for a person"),
    ("failing", "Failing"),
    ("running", "Running"),
    (DEPLOYABLE, "Ready to deploy"),
)
FAVOURITES: Final = "Favourites"


@dataclass(frozen=True, slots=True)
class ProjectFact:
    """A project as the board needs it."""

    number: int
    name: str
    slug: str
    group: str
    lifecycle: str
    is_favourite: bool = False

    @property
    def heading(self) -> str:
        """The heading that the project stands under."""
        return FAVOURITES if self.is_favourite else self.group


@dataclass(frozen=True, slots=True)
class Candidate:
    """A release that may go on: where it stands in its lifecycle."""

    number: int
    project: int
    version: str
    progression: Progression


@dataclass(frozen=True, slots=True)
class BoardRow:
    """A project with one cell for each environment."""

    project: ProjectFact
    cells: tuple[Cell, ...]

    def belongs_to(self, tab: str) -> bool:
        """Whether the row stands in a tab."""
        deployed = [cell.deployed for cell in self.cells if cell.deployed]
        if tab == "waiting":
            return any(each.is_waiting for each in deployed)
        if tab == "failing":
            return any(each.is_failed for each in deployed)
        if tab == "running":
            return any(each.is_under_way for each in deployed)
        return tab != DEPLOYABLE or any(cell.next_version for cell in self.cells)


def make_rows(
    projects: Iterable[ProjectFact],
    environments: Sequence[int],
    deployed: Iterable[Deployed],
    candidates: Iterable[Candidate],
    may_deploy: Collection[tuple[int, int]],
) -> list[BoardRow]:
    """Return a row for each project; `may_deploy` holds pairs of project and environment."""
    there = {(each.project, each.environment): each for each in deployed}
    by_project: dict[int, list[Candidate]] = {}
    for candidate in candidates:
        by_project.setdefault(candidate.project, []).append(candidate)
    for releases in by_project.values():
        releases.sort(key=lambda release: release.number, reverse=True)
    rows = []
    for project in projects:
        releases = by_project.get(project.number, [])
        reachable = _reachable(releases)
        cells = []
        for number in environments:
            current = there.get((project.number, number))
            is_allowed = (project.number, number) in may_deploy
            version = _next_version(releases, number, current) if is_allowed else ""
            is_reachable = not releases or number in reachable
            cells.append(Cell(number, current, version, is_reachable))
        rows.append(BoardRow(project, tuple(cells)))
    return rows


def counts_of(rows: Sequence[BoardRow]) -> Mapping[str, int]:
    """Return how many rows stand in each tab that what is deployed decides."""
    tabs = [tab for tab, _ in TABS if tab != DEPLOYABLE]
    return {tab: sum(1 for row in rows if row.belongs_to(tab)) for tab in tabs}


def _next_version(releases: Sequence[Candidate], number: int, current: Deployed | None) -> str:
    """Return the newest release that may go to the environment and is newer than what is there."""
    for release in releases:
        if current is not None and release.number <= current.release:
            return ""
        if number in release.progression.next_environments:
            return release.version
    return ""


def _reachable(releases: Sequence[Candidate]) -> set[int]:
    return {
        number
        for release in releases
        for phase in release.progression.phases
        for number in phase.environments
    }

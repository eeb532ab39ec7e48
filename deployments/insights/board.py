"""The dashboard's board: which release is in each environment and what may go next; pure."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
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
_BELONGS: Final[Mapping[str, Callable[[Deployed], bool]]] = {
    "waiting": lambda each: each.is_waiting,
    "failing": lambda each: each.is_failed,
    "running": lambda each: each.is_under_way,
}


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

    @property
    def is_deployable(self) -> bool:
        """Whether something may go next."""
        return any(cell.next_version for cell in self.cells)


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


def tabs_of(deployed: Iterable[Deployed]) -> Mapping[str, set[int]]:
    """Return the projects that stand in each tab that what is deployed decides."""
    found: dict[str, set[int]] = {tab: set() for tab in _BELONGS}
    for each in deployed:
        for tab, belongs in _BELONGS.items():
            if belongs(each):
                found[tab].add(each.project)
    return found


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

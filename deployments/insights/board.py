"""The dashboard's board: which release is in each environment and what may go next; pure."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from deployments.releases.cells import Cell, Deployed, Standing
from deployments.releases.progression import Progression

DEPLOYABLE: Final = "deployable"
TABS: Final = (
    ("", "All projects"),
    ("waiting", "Waiting for a person"),
    ("failing", "Failing"),
    ("running", "Running"),
    (DEPLOYABLE, "Ready to deploy"),
)
# What a wall shows first.
URGENT: Final = ("failing", "waiting", "running")
FAVOURITES: Final = "Favourites"
_BELONGS: Final[Mapping[str, Callable[[Standing], bool]]] = {
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
            coming = None
            if (project.number, number) in may_deploy:
                coming = _next(releases, number, current.release if current else None)
            version = coming.version if coming else ""
            is_reachable = not releases or number in reachable
            cells.append(Cell(number, current, version, is_reachable))
        rows.append(BoardRow(project, tuple(cells)))
    return rows


def next_places(
    releases: Sequence[Candidate], environments: Iterable[int], there: Mapping[int, int]
) -> Iterator[int]:
    """Yield the environments where one of a project's releases may go next.

    `there` are the releases, by environment, that are there now.
    """
    newest_first = sorted(releases, key=lambda release: release.number, reverse=True)
    for number in environments:
        if _next(newest_first, number, there.get(number)):
            yield number


def tabs_of(deployed: Iterable[Standing]) -> Mapping[str, set[int]]:
    """Return the projects that stand in each tab that what is deployed decides."""
    found: dict[str, set[int]] = {tab: set() for tab in _BELONGS}
    for each in deployed:
        for tab, belongs in _BELONGS.items():
            if belongs(each):
                found[tab].add(each.project)
    return found


def urgent_first(
    projects: Iterable[ProjectFact], standing: Mapping[str, Collection[int]]
) -> list[ProjectFact]:
    """Return the projects with those first that fail, then those that wait, then those that run.

    `standing` has the projects of each tab; within each part their order stays.
    """
    parts = [standing.get(tab, ()) for tab in URGENT]

    def urgency(project: ProjectFact) -> int:
        return next((at for at, part in enumerate(parts) if project.number in part), len(parts))

    return sorted(projects, key=urgency)


def _next(releases: Sequence[Candidate], number: int, current: int | None) -> Candidate | None:
    """Return the newest release that may go to the environment and is newer than what is there."""
    for release in releases:
        if current is not None and release.number <= current:
            return None
        if number in release.progression.next_environments:
            return release
    return None


def _reachable(releases: Sequence[Candidate]) -> set[int]:
    return {
        number
        for release in releases
        for phase in release.progression.phases
        for number in phase.environments
    }

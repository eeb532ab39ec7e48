"""What a search offers to do: pages with all filled in, as far as the reader may open them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, TypeVar

from django.db.models import QuerySet

from deployments.access.grants import Grants
from deployments.access.permissions import Permission
from deployments.access.web.administration import administration_places
from deployments.base.actor import Actor
from deployments.base.finding import find
from deployments.base.models import Space
from deployments.infrastructure.models import Environment
from deployments.insights.board import ProjectFact, make_rows
from deployments.insights.candidates import newest_of
from deployments.insights.commands import Reading, Verb, parse_command
from deployments.insights.queries import with_next
from deployments.projects.models import Project, Runbook
from deployments.projects.settings import participation_of
from deployments.projects.web.rail import PAGES
from deployments.releases.deployed import newest_by_place
from deployments.releases.models import Release
from deployments.server_tasks.models import ServerTask

MOST: Final = 6
_NOTHING_NEWER: Final = "Nothing newer may go there; its page says why."
_FOR_TENANTS: Final = "It is deployed for tenants, who are chosen there."
# (label, path below the space, one of these permissions is needed)
_PLACES: Final = (
    ("Dashboard", "dashboard", ()),
    ("Wall view of the dashboard", "dashboard?view=wall", ()),
    ("Projects", "projects", (Permission.ProjectView,)),
    ("Tenants", "tenants", (Permission.TenantView,)),
    ("Tasks", "tasks", (Permission.TaskView,)),
    ("Insights", "insights", (Permission.DeploymentView,)),
    ("Deployment targets", "infrastructure/targets", (Permission.MachineView,)),
    ("Environments", "infrastructure/environments", (Permission.EnvironmentView,)),
    ("Workers", "infrastructure/workers", (Permission.WorkerView,)),
    ("Packages", "packages", (Permission.FeedView,)),
    ("Lifecycles", "projects/lifecycles", (Permission.LifecycleView,)),
)

R = TypeVar("R", Project, Environment, Runbook)


@dataclass(frozen=True, slots=True)
class Action:
    """A page that does what was typed, once the reader agrees there."""

    label: str
    path: str
    icon: str = "chevron"
    note: str = ""


def actions_for(actor: Actor, space: Space, grants: Grants, text: str) -> list[Action]:
    """Return what the text asks for, the likeliest first; nothing for a plain search."""
    command = parse_command(text)
    if command is None:
        return []
    finder = _Finder(actor, space, grants)
    ways: Mapping[Verb, Callable[[Reading], Iterator[Action]]] = {
        Verb.DEPLOY: finder.deploy,
        Verb.CREATE: finder.create,
        Verb.RUN: finder.run,
        Verb.GO: finder.go,
    }
    for reading in command.readings:
        if found := list(islice(ways[command.verb](reading), MOST)):
            return found
    return []


@dataclass(frozen=True)
class _Finder:
    actor: Actor
    space: Space
    grants: Grants
    _places: dict[str, list[Environment]] = field(default_factory=dict)

    def deploy(self, reading: Reading) -> Iterator[Action]:
        """Yield deploy pages: of the version that was named, else of what may go next."""
        environments = self._environments(reading.place)
        if not environments:
            return
        if projects := self._projects(reading.subject, Permission.ProjectView):
            yield from self._next(projects, environments, is_placed=bool(reading.place))
            return
        name, _, version = reading.subject.rpartition(" ")
        projects = self._projects(name, Permission.ProjectView) if name else []
        seen = Release.objects.visible_to(self.actor, self.space, Permission.ReleaseView)
        named = seen.filter(project__in=projects, version_lower=version.lower())
        for release in named.select_related("project"):
            yield from self._of_release(release, environments)

    def create(self, reading: Reading) -> Iterator[Action]:
        """Yield the pages that make a release of the projects."""
        for row in self._projects(reading.subject, Permission.ReleaseCreate):
            label = f"Create a release of {row.name}"
            yield Action(label, f"projects/{row.slug}/releases/create", "plus")

    def run(self, reading: Reading) -> Iterator[Action]:
        """Yield the pages that run the runbooks; the environment is marked there."""
        environments = self._environments(reading.place)
        if not environments or not self.grants.allows_anywhere(Permission.RunbookRunCreate):
            return
        seen = Runbook.objects.visible_to(self.actor, self.space, Permission.RunbookView)
        for row in _named(seen.select_related("project"), reading.subject):
            path = f"projects/{row.project.slug}/runbooks/{row.slug}/run"
            label = f"Run {row.name} of {row.project.name}"
            if not reading.place:
                yield Action(label, path, "terminal")
            for place in environments if reading.place else ():
                query = f"?environment={place.public_id}"
                yield Action(f"{label} in {place.name}", path + query, "terminal")

    def go(self, reading: Reading) -> Iterator[Action]:
        """Yield places of the space, projects and their pages, by the beginning of their words."""
        wanted = reading.subject.lower()
        pages = [(label, f"administration/{path}") for label, path in self._administration()]
        for label, path in [*self._own_places(), *pages]:
            if any(part.startswith(wanted) for part in (label.lower(), *label.lower().split())):
                yield Action(f"Go to {label}", path)
        for row in self._projects(reading.subject, Permission.ProjectView):
            yield Action(f"Go to {row.name}", f"projects/{row.slug}", "grid")
        name, _, page = reading.subject.rpartition(" ")
        for row in self._projects(name, Permission.ProjectView) if name else ():
            for label, path, icon, permission in PAGES:
                if (
                    path
                    and label.lower().startswith(page.lower())
                    and self._allows(permission, row)
                ):
                    yield Action(f"Go to {label} of {row.name}", f"projects/{row.slug}{path}", icon)

    def _administration(self) -> list[tuple[str, str]]:
        return administration_places(self.grants)

    def _own_places(self) -> Iterator[tuple[str, str]]:
        for label, path, permissions in _PLACES:
            if not permissions or any(map(self.grants.allows_anywhere, permissions)):
                yield label, path

    def _next(
        self, projects: Sequence[Project], environments: Sequence[Environment], *, is_placed: bool
    ) -> Iterator[Action]:
        """Yield what may go next, then the newest release of places where nothing may.

        Without a place that was named, the latter only where nothing may go anywhere.
        """
        places = {place.pk: place for place in environments}
        facts = [ProjectFact(row.pk, row.name, row.slug, "", "") for row in projects]
        seen = ServerTask.objects.visible_to(self.actor, self.space, Permission.DeploymentView)
        there = newest_by_place(seen, [row.pk for row in projects], list(places))
        bare = make_rows(facts, list(places), there, (), ())
        rows = with_next(self.actor, self.space, self.grants, bare)
        rest: list[tuple[Project, Environment]] = []
        for project, row in zip(projects, rows, strict=True):
            coming = [cell for cell in row.cells if cell.next_version]
            for cell in coming:
                yield _deploy(project, cell.next_version, places[cell.environment])
            if is_placed or not coming:
                free = [cell for cell in row.cells if not cell.next_version]
                rest += [(project, places[cell.environment]) for cell in free]
        yield from self._newest(rest, is_placed=is_placed)

    def _newest(
        self, wanted: Sequence[tuple[Project, Environment]], *, is_placed: bool
    ) -> Iterator[Action]:
        mine = Project.objects.in_space(self.space).filter(pk__in={row.pk for row, _ in wanted})
        found = newest_of(self.actor, self.space, mine)
        newest = [each.release for each in found if each.release is not None]
        rows = Release.objects.in_space(self.space).filter(pk__in=newest)
        versions = dict(rows.values_list("project_id", "version"))
        done: set[int] = set()
        for project, place in wanted:
            is_possible = project.pk in versions and self._may_deploy(project, place)
            if is_possible and (is_placed or project.pk not in done):
                done.add(project.pk)
                chosen = place if is_placed else None
                yield _deploy(project, versions[project.pk], chosen, _NOTHING_NEWER)

    def _of_release(
        self, release: Release, environments: Sequence[Environment]
    ) -> Iterator[Action]:
        for place in environments:
            if self._may_deploy(release.project, place):
                yield _deploy(release.project, release.version, place)

    def _may_deploy(self, project: Project, place: Environment) -> bool:
        if not _is_untenanted(project):
            return self.grants.allows_anywhere(Permission.DeploymentCreate)
        return self._allows(Permission.DeploymentCreate, project, environment=place.pk)

    def _allows(self, permission: Permission, project: Project, **values: int) -> bool:
        return self.grants.allows(
            permission, project=project.pk, project_group=project.group_id, **values
        )

    def _environments(self, text: str) -> list[Environment]:
        """Return those that the text names, all without one."""
        if text not in self._places:
            rows = Environment.objects.visible_to(
                self.actor, self.space, Permission.EnvironmentView
            )
            self._places[text] = _named(rows, text) if text else list(rows)
        return self._places[text]

    def _projects(self, text: str, permission: Permission) -> list[Project]:
        rows = Project.objects.visible_to(self.actor, self.space, permission)
        return _named(rows.filter(is_disabled=False), text)


def _named(rows: "QuerySet[R]", text: str) -> list[R]:
    """Return the row of that very name, else a few whose names have the text."""
    exact: Any = find(rows, text)
    return [exact] if exact is not None else list(rows.filter(name__icontains=text)[:MOST])


def _is_untenanted(project: Project) -> bool:
    return participation_of(project.extra).allows_untenanted


def _deploy(project: Project, version: str, place: Environment | None, note: str = "") -> Action:
    is_untenanted = _is_untenanted(project)
    page = "deploy" if is_untenanted else "deploy/several"
    where = f" to {place.name}" if place else ""
    query = f"?environment={place.public_id}" if place else ""
    return Action(
        f"Deploy {project.name} {version}{where}",
        f"projects/{project.slug}/releases/{version}/{page}{query}",
        "deploy",
        note if is_untenanted else _FOR_TENANTS,
    )

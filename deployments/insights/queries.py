"""Reads of the dashboard and the search: a fixed number of queries for any number of rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from django.db.models import QuerySet

from deployments.access.grants import Grants
from deployments.access.permissions import Permission
from deployments.base import public_ids
from deployments.base.actor import Actor
from deployments.base.models import Space
from deployments.base.numbers import whole_number
from deployments.infrastructure.models import Environment, Machine
from deployments.insights.board import BoardRow, ProjectFact, make_rows, tabs_of
from deployments.insights.candidates import candidates_of, newest_of, ready_projects
from deployments.insights.models import Favourite
from deployments.insights.narrowing import Narrowing
from deployments.projects.models import Project, Runbook
from deployments.releases.deployed import newest_by_place, notable_places, releases_by_place
from deployments.releases.models import Release
from deployments.server_tasks.models import ServerTask
from tenants.models import Tenant

MOST_HITS = 10


@dataclass(frozen=True, slots=True)
class Hits:
    """What a search found, a few of each kind."""

    projects: Sequence[Project] = ()
    releases: Sequence[Release] = ()
    environments: Sequence[Environment] = ()
    machines: Sequence[Machine] = ()
    tenants: Sequence[Tenant] = ()
    runbooks: Sequence[Runbook] = ()
    tasks: Sequence[ServerTask] = ()

    def __bool__(self) -> bool:
        return any(getattr(self, kind.name) for kind in fields(self))


@dataclass(frozen=True, slots=True)
class Board:
    """The projects of a dashboard in their order, of which rows are read for some.

    `tasks` are those of the deployments that count. A limit cuts `facts` and not `projects`.
    """

    facts: Sequence[ProjectFact]
    projects: "QuerySet[Project]"
    tasks: "QuerySet[ServerTask]"
    environments: Sequence[int]

    def tabs(self) -> Mapping[str, set[int]]:
        """Return which projects stand in each tab, without reading what all of them have."""
        notable = notable_places(self.tasks, self.environments)
        shown = {each.number for each in self.facts}
        return {tab: found & shown for tab, found in tabs_of(notable).items()}

    def ready(self, actor: Actor, space: Space, grants: Grants) -> set[int]:
        """Return the projects of which something may be deployed next, by number."""
        there = releases_by_place(self.tasks, self.environments)
        shown = {each.number for each in self.facts}
        return shown & ready_projects(actor, space, grants, there, self.projects, self.environments)

    def rows(self, facts: Sequence[ProjectFact]) -> list[BoardRow]:
        """Return rows that say what is where; `with_next` adds what may go next."""
        numbers = [each.number for each in facts]
        deployed = newest_by_place(self.tasks, numbers, self.environments)
        return make_rows(facts, self.environments, deployed, (), ())


def board_of(
    actor: Actor,
    space: Space,
    *,
    environments: Sequence[Environment],
    group: str = "",
    text: str = "",
    narrowing: Narrowing = Narrowing(),  # noqa: B008 frozen
) -> Board:
    """Return the projects that the actor may see, by group and name, favourites first."""
    visible = Project.objects.visible_to(actor, space, Permission.ProjectView)
    rows = narrowing.of_projects(visible.filter(is_disabled=False))
    rows = rows.order_by("group__name", "name")
    if group:
        rows = rows.filter(group=public_ids.parse("ProjectGroups", group) or 0)
    if text:
        rows = rows.filter(name__icontains=text)
    columns = ("pk", "name", "slug", "group__name", "lifecycle__name")
    pinned = favourites_of(actor, space)
    facts = [
        ProjectFact(number, name, slug, heading, lifecycle, is_favourite=number in pinned)
        for number, name, slug, heading, lifecycle in rows.values_list(*columns)
    ]
    facts.sort(key=lambda project: not project.is_favourite)
    seen = ServerTask.objects.visible_to(actor, space, Permission.DeploymentView)
    tasks = narrowing.of_deployments(seen.filter(is_current=True))
    return Board(facts[: narrowing.limit], rows, tasks, [row.pk for row in environments])


def with_next(
    actor: Actor,
    space: Space,
    grants: Grants,
    rows: Sequence[BoardRow],
    *,
    deploys: bool = True,
) -> list[BoardRow]:
    """Return the rows with what may be deployed next in each cell, nothing without `deploys`."""
    projects = [row.project for row in rows]
    numbers = [cell.environment for cell in rows[0].cells] if rows else []
    deployed = [cell.deployed for row in rows for cell in row.cells if cell.deployed]
    mine = Project.objects.in_space(space).filter(pk__in=[row.number for row in projects])
    newest = newest_of(actor, space, mine)
    may_deploy = {
        (row.project, number)
        for row in newest
        for number in numbers
        if deploys and row.may_go(grants, number)
    }
    releases = {each.release for each in deployed} | {row.release for row in newest if row.release}
    return make_rows(projects, numbers, deployed, candidates_of(actor, space, releases), may_deploy)


def favourites_of(actor: Actor, space: Space) -> set[int]:
    """Return the numbers of the projects that the actor has on top."""
    rows = Favourite.objects.in_space(space).filter(user=actor.user_id)
    return set(rows.values_list("project_id", flat=True))


def search(actor: Actor, space: Space, text: str) -> Hits:
    """Return what the actor may see whose name, version or id contains the text."""
    wanted = text.strip()[:200]
    if not wanted:
        return Hits()
    projects = Project.objects.visible_to(actor, space, Permission.ProjectView)
    releases = Release.objects.visible_to(actor, space, Permission.ReleaseView).filter(
        version_lower__contains=wanted.lower()
    )
    environments = Environment.objects.visible_to(actor, space, Permission.EnvironmentView)
    machines = Machine.objects.visible_to(actor, space, Permission.MachineView)
    tenants = Tenant.objects.visible_to(actor, space, Permission.TenantView)
    runbooks = Runbook.objects.visible_to(actor, space, Permission.RunbookView)
    return Hits(
        projects=list(projects.filter(name__icontains=wanted).select_related("group")[:MOST_HITS]),
        releases=list(releases.select_related("project").order_by("-pk")[:MOST_HITS]),
        environments=list(environments.filter(name__icontains=wanted)[:MOST_HITS]),
        machines=list(machines.filter(name__icontains=wanted)[:MOST_HITS]),
        tenants=list(tenants.filter(name__icontains=wanted)[:MOST_HITS]),
        runbooks=list(
            runbooks.filter(name__icontains=wanted).select_related("project")[:MOST_HITS]
        ),
        tasks=_tasks(actor, space, wanted),
    )


def _tasks(actor: Actor, space: Space, wanted: str) -> list[ServerTask]:
    """Return the task of an id or a bare number."""
    number = public_ids.parse(ServerTask.id_prefix, wanted) or whole_number(wanted)
    rows = ServerTask.objects.visible_to(actor, space, Permission.TaskView)
    return list(rows.filter(pk=number)) if number else []

"""Reads of projects."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from django.db.models import Q, QuerySet

from deployments.access.permissions import Permission
from deployments.base import public_ids
from deployments.base.actor import Actor
from deployments.base.finding import find
from deployments.base.models import Space
from deployments.infrastructure.models import Environment
from deployments.library.models import LibraryVariableSet, VariableSet
from deployments.library.queries import candidates
from deployments.library.scoping import Candidate
from deployments.projects.models import (
    Channel,
    DeploymentProcess,
    Lifecycle,
    Phase,
    PhaseEnvironment,
    Project,
    ProjectGroup,
    Runbook,
)
from deployments.projects.process import Process, process_from_json
from deployments.projects.settings import extra_document

# A phase with each of its environments; one without any has a single line.
_PHASE_COLUMNS: Final = (
    "pk",
    "lifecycle_id",
    "guid",
    "name",
    "minimum_environments",
    "is_optional",
    "is_priority",
    "release_retention",
    "phase_environments__environment_id",
    "phase_environments__is_automatic",
)


@dataclass(frozen=True, slots=True)
class PhaseView:
    """A phase with its environments' numbers; implicit phases have an environment's id and name.

    `release_retention` is its own policy, in the wire's form.
    """

    id: str
    name: str
    manual: tuple[int, ...]
    automatic: tuple[int, ...]
    minimum: int
    is_optional: bool
    is_priority: bool = False
    release_retention: Mapping[str, Any] | None = None

    @property
    def environments(self) -> tuple[int, ...]:
        return (*self.automatic, *self.manual)


def projects_of_groups(space: Space, groups: frozenset[str]) -> frozenset[int]:
    """Return the numbers of the projects in the groups (public ids)."""
    parsed = (public_ids.parse("ProjectGroups", text) for text in groups)
    numbers = [number for number in parsed if number is not None]
    rows = Project.objects.in_space(space).filter(group__in=numbers)
    return frozenset(rows.values_list("pk", flat=True))


def environments_to_choose(
    actor: Actor, space: Space, kept: Iterable[str] = ()
) -> "QuerySet[Environment]":
    """Return what the actor may name: environments that they see, and those kept (public ids)."""
    seen = Environment.objects.visible_to(actor, space, Permission.EnvironmentView)
    numbers = [public_ids.parse(Environment.id_prefix, text) for text in kept]
    stay = [number for number in numbers if number is not None]
    return Environment.objects.in_space(space).filter(Q(pk__in=seen.values("pk")) | Q(pk__in=stay))


def environments_for_phases(
    actor: Actor, space: Space, lifecycle: Lifecycle | None
) -> "QuerySet[Environment]":
    """Return what the actor may put into phases."""
    links = PhaseEnvironment.objects.filter(phase__lifecycle=lifecycle) if lifecycle else ()
    kept = [f"{Environment.id_prefix}-{link.environment_id}" for link in links]
    return environments_to_choose(actor, space, kept)


def process_of(project: Project) -> DeploymentProcess:
    """Return the project's process row."""
    return DeploymentProcess.objects.in_space(project.space).get(project=project, runbook=None)


def process_of_runbook(runbook: Runbook) -> DeploymentProcess:
    """Return the runbook's process row."""
    rows = DeploymentProcess.objects.in_space(runbook.space)
    return rows.select_related("project", "runbook").get(runbook=runbook)


def runbooks_of(project: Project) -> QuerySet[Runbook]:
    """Return the project's runbooks by name."""
    return Runbook.objects.in_space(project.space).filter(project=project)


def visible_runbooks(actor: Actor, project: Project) -> list[tuple[Runbook, Process]]:
    """Return the runbooks of the project that the actor may see, by name, with their steps."""
    rows = Runbook.objects.visible_to(actor, project.space, Permission.RunbookView)
    found = rows.filter(project=project).select_related("process").order_by("name")
    return [(row, read_process(row.process)) for row in found]


def read_process(process: DeploymentProcess) -> Process:
    """Return the process as data."""
    return process_from_json(process.steps)


def find_project(space: Space, text: str) -> Project | None:
    """Return the project by public id, name or slug, ignoring case."""
    return find(Project.objects.in_space(space), text)


def find_group(space: Space, text: str) -> ProjectGroup | None:
    """Return the project group by public id, name or slug."""
    return find(ProjectGroup.objects.in_space(space), text)


def find_lifecycle(space: Space, text: str) -> Lifecycle | None:
    """Return the lifecycle by public id, name or slug."""
    return find(Lifecycle.objects.in_space(space), text)


def find_channel(project: Project, text: str) -> Channel | None:
    """Return the project's channel by public id, name or slug."""
    return find(channels_of(project), text)


def channels_of(project: Project) -> QuerySet[Channel]:
    """Return the project's channels by name."""
    return Channel.objects.in_space(project.space).filter(project=project)


def default_channel(project: Project) -> Channel:
    """Return the project's default channel."""
    return channels_of(project).get(is_default=True)


def included_sets(project: Project) -> list[LibraryVariableSet]:
    """Return the library sets that the project includes, in its order."""
    return included_sets_of(project.space, [project])[project.pk]


def included_sets_of(
    space: Space, projects: Iterable[Project]
) -> dict[int, list[LibraryVariableSet]]:
    """Return it for several projects, with one query or none."""
    named = {row.pk: _included_numbers(row) for row in projects}
    wanted = {number for numbers in named.values() for number in numbers}
    if not wanted:
        return {number: [] for number in named}
    rows = LibraryVariableSet.objects.in_space(space).select_related("variable_set__space")
    found = {row.pk: row for row in rows.filter(pk__in=wanted)}
    return {
        project: [found[number] for number in numbers if number in found]
        for project, numbers in named.items()
    }


def name_of_variable_owner(variable_set: VariableSet) -> str:
    """Return the name of the project that has the variables; empty: none has."""
    rows = Project.objects.in_space(variable_set.space).filter(variable_set=variable_set)
    return rows.values_list("name", flat=True).first() or ""


def projects_including(row: LibraryVariableSet) -> list[Project]:
    """Return the projects that include the set, by name."""
    projects = Project.objects.in_space(row.space).only("id", "name", "extra", "space")
    return [each for each in projects if row.pk in _included_numbers(each)]


def project_candidates(project: Project) -> list[Candidate]:
    """Return the variables of the project as they are now, then those of its library sets."""
    sets = [project.variable_set] if project.variable_set else []
    sets += [row.values for row in included_sets(project)]
    return [each for source, row in enumerate(sets) for each in candidates(row, source=source)]


def _included_numbers(project: Project) -> list[int]:
    named = extra_document(project.extra)["IncludedLibraryVariableSetIds"]
    numbers = (public_ids.parse(LibraryVariableSet.id_prefix, str(text)) for text in named)
    return [number for number in numbers if number is not None]


def lifecycle_of(channel: Channel) -> Lifecycle:
    """Return the lifecycle that releases of the channel follow."""
    return channel.lifecycle or channel.project.lifecycle


def phases_of(lifecycle: Lifecycle) -> list[PhaseView]:
    """Return the phases in order, implicit ones worked out.

    Without phases each environment is one, in sort order. A phase without environments takes all
    that no earlier phase names.
    """
    return phases_of_many([lifecycle])[lifecycle.pk]


def phases_of_many(lifecycles: Iterable[Lifecycle]) -> dict[int, list[PhaseView]]:
    """Return the phases of several lifecycles of one space with a fixed number of queries."""
    rows = list(lifecycles)
    return phases_by_lifecycle(rows[0].space, [row.pk for row in rows]) if rows else {}


def phases_by_lifecycle(space: Space, lifecycles: Iterable[int]) -> dict[int, list[PhaseView]]:
    """Return it for lifecycles by number: one query, and one more where phases are implicit."""
    stored: dict[int, list[PhaseView]] = {number: [] for number in lifecycles}
    found = Phase.objects.filter(lifecycle__in=stored).order_by(
        "lifecycle_id", "position", "pk", "phase_environments__pk"
    )
    for _, group in groupby(found.values_list(*_PHASE_COLUMNS), key=itemgetter(0)):
        lines = list(group)
        _, lifecycle, guid, name, minimum, is_optional, is_priority, retention, *_ = lines[0]
        links = [(number, automatic) for *_, number, automatic in lines if number is not None]
        view = PhaseView(
            id=guid,
            name=name,
            manual=tuple(number for number, is_automatic in links if not is_automatic),
            automatic=tuple(number for number, is_automatic in links if is_automatic),
            minimum=minimum,
            is_optional=is_optional,
            is_priority=is_priority,
            release_retention=retention,
        )
        stored[lifecycle].append(view)
    if all(phases and all(view.environments for view in phases) for phases in stored.values()):
        return stored
    environments = list(Environment.objects.in_space(space).only("id", "name", "sort_order"))
    return {number: _complete(phases, environments) for number, phases in stored.items()}


def _complete(phases: list[PhaseView], environments: list[Environment]) -> list[PhaseView]:
    if not phases:
        return [
            PhaseView(row.public_id, row.name, (row.pk,), (), 0, is_optional=False)
            for row in environments
        ]
    named: set[int] = set()
    complete = []
    for view in phases:
        if view.environments:
            complete.append(view)
            named |= set(view.environments)
        else:
            rest = tuple(row.pk for row in environments if row.pk not in named)
            complete.append(replace(view, manual=rest, automatic=()))
            named |= set(rest)
    return complete

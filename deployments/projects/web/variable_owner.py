"""Whose values a page shows: a project's or a library set's, and what they can be scoped to."""

from dataclasses import dataclass, field
from typing import Any

from deployments.access.permissions import Permission
from deployments.access.policy import allows_on
from deployments.access.web.pages import PageRequest, find
from deployments.base.errors import NotFound
from deployments.infrastructure.models import Environment, Machine
from deployments.library.models import LibraryVariableSet, VariableSet
from deployments.projects.models import Channel, Project, Runbook
from deployments.projects.process import Process
from deployments.projects.queries import (
    channels_of,
    included_sets,
    process_of,
    projects_including,
    read_process,
    visible_runbooks,
)
from deployments.projects.tenant_choices import TenantChoice, tenant_choices
from deployments.projects.tenant_tags import tenant_tags_of
from deployments.projects.web.rail import project_frame

LIBRARY = "projects/library"


@dataclass(frozen=True)
class Surroundings:
    """What values of a project can be scoped to, read once for a page."""

    environments: list[Environment]
    machines: list[Machine]
    channels: list[Channel]
    process: Process
    tenant_tags: list[str]
    runbooks: list[tuple[Runbook, Process]] = field(default_factory=list)
    tenants: list[TenantChoice] = field(default_factory=list)
    project: Project | None = None

    @property
    def roles(self) -> list[str]:
        found: dict[str, str] = {}
        for machine in self.machines:
            for role in machine.roles:
                found.setdefault(str(role).lower(), str(role))
        for process in (self.process, *(each for _, each in self.runbooks)):
            for step in process.steps:
                for role in step.target_roles:
                    found.setdefault(role.lower(), role)
        return [found[key] for key in sorted(found)]

    def names(self) -> dict[str, dict[str, str]]:
        """Return, by dimension, values in lower case to the words for them."""
        return {
            "Environment": {e.public_id.lower(): e.name for e in self.environments},
            "Machine": {m.public_id.lower(): m.name for m in self.machines},
            "Channel": {c.public_id.lower(): c.name for c in self.channels},
            "Action": {number.lower(): words for number, words in reversed(self.steps)},
            "ProcessOwner": {owner.lower(): words for owner, words in self.processes},
        }

    def choices(self) -> list[tuple[str, str, list[tuple[str, str]]]]:
        """Return (dimension, heading, [(value, words)]) for the form."""
        return [
            ("Environment", "Environments", [(e.public_id, e.name) for e in self.environments]),
            ("Role", "Target tags", [(role, role) for role in self.roles]),
            ("Machine", "Targets", [(m.public_id, m.name) for m in self.machines]),
            ("Action", "Steps", self.steps),
            ("Channel", "Channels", [(c.public_id, c.name) for c in self.channels]),
            ("TenantTag", "Tenant tags", [(name, name) for name in self.tenant_tags]),
            ("ProcessOwner", "Processes", self.processes if self.runbooks else []),
        ]

    @property
    def processes(self) -> list[tuple[str, str]]:
        """Return the processes of the project by their owner, the deployment process first."""
        if self.project is None:
            return []
        own = (self.project.public_id, "Deployment process")
        return [own, *((row.public_id, row.name) for row, _ in self.runbooks)]

    @property
    def steps(self) -> list[tuple[str, str]]:
        """Return the steps of all processes; those of runbooks say of which."""
        return [
            *((action.id, action.name) for _, action in self.process.actions()),
            *(
                (action.id, f"{row.name} / {action.name}")
                for row, process in self.runbooks
                for _, action in process.actions()
            ),
        ]

    def process_of(self, owner: str) -> Process:
        """Return the process of the runbook with the public id, else the deployment process."""
        of_runbooks = {row.public_id: process for row, process in self.runbooks}
        return of_runbooks.get(owner, self.process)

    def steps_of_processes(self) -> dict[str, frozenset[str]]:
        """Return the ids of the steps by the owner of their process, all in lower case."""
        return {
            owner.lower(): frozenset(
                action.id.lower() for _, action in self.process_of(owner).actions()
            )
            for owner, _ in self.processes
        }


@dataclass(frozen=True, slots=True)
class ValuesOwner:
    """The owner of the values that are edited; `path` is its page's below the space."""

    owner: Project | LibraryVariableSet
    variable_set: VariableSet
    path: str

    @property
    def project(self) -> Project | None:
        return self.owner if isinstance(self.owner, Project) else None

    @property
    def template(self) -> str:
        return f"projects/{'variables' if self.project else 'library_set'}.html"

    def included(self) -> list[LibraryVariableSet]:
        """Return the library sets whose values count beside the owner's."""
        return included_sets(self.owner) if isinstance(self.owner, Project) else []

    def frame(self, request: PageRequest) -> dict[str, Any]:
        """Return what the page needs around the values."""
        values = {"values_base": f"/app/{request.space.public_id}/{self.path}"}
        if isinstance(self.owner, Project):
            return {
                **project_frame(request, self.owner, "Variables"),
                **values,
                "includable": LibraryVariableSet.objects.visible_to(
                    request.actor, request.space, Permission.LibraryVariableSetView
                ).exclude(pk__in=[row.pk for row in self.included()]),
                "may_include": allows_on(request.actor, self.owner, Permission.ProjectEdit),
            }
        return {**library_frame(request, self.owner), **values}

    def surroundings(self, request: PageRequest) -> Surroundings:
        """Return what values of the owner can be scoped to."""
        project = self.project
        return Surroundings(
            environments=list(Environment.objects.in_space(request.space)),
            machines=list(
                Machine.objects.visible_to(request.actor, request.space, Permission.MachineView)
            ),
            channels=list(channels_of(project)) if project else [],
            process=read_process(process_of(project)) if project else Process(),
            tenant_tags=tenant_tags_of(request.space),
            runbooks=visible_runbooks(request.actor, project) if project else [],
            tenants=tenant_choices(request.actor, project) if project else [],
            project=project,
        )


def project_values(request: PageRequest, text: str) -> ValuesOwner:
    """Return the project of the address; raises NotFound."""
    row = find(request, Project, text, Permission.ProjectView)
    if row.variable_set_id is None:
        raise NotFound
    stored = VariableSet.objects.in_space(row.space).get(pk=row.variable_set_id)
    return ValuesOwner(row, stored, f"projects/{row.public_id}/variables")


def library_values(request: PageRequest, text: str) -> ValuesOwner:
    """Return the library set of the address; raises NotFound."""
    row = find(request, LibraryVariableSet, text, Permission.LibraryVariableSetView)
    stored = VariableSet.objects.in_space(row.space).get(pk=row.variable_set_id or 0)
    return ValuesOwner(row, stored, f"{LIBRARY}/{row.public_id}")


def library_frame(request: PageRequest, row: LibraryVariableSet) -> dict[str, Any]:
    """Return what every page of a library set shows: the set, and who includes it."""
    seen = Project.objects.visible_to(request.actor, request.space, Permission.ProjectView)
    numbers = [project.pk for project in projects_including(row)]
    return {
        "library_set": row,
        "set_base": f"/app/{request.space.public_id}/{LIBRARY}/{row.public_id}",
        "included_in": list(seen.filter(pk__in=numbers)),
        "hidden": len(numbers),
    }

"""The place that variables are asked for on pages: environment, tenant, target, step, channel."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from deployments.access.permissions import Permission
from deployments.access.web.pages import PageRequest
from deployments.infrastructure.models import Environment, Machine
from deployments.library.scoping import Candidate, ScopeContext
from deployments.projects.known_variables import (
    action_variables,
    environment_variables,
    machine_variables,
    project_variables,
    step_variables,
)
from deployments.projects.models import Channel, Project
from deployments.projects.process import Action, Step
from deployments.projects.seen_values import Seen, competing, id_of
from deployments.projects.web.variable_owner import ValuesOwner
from deployments.projects.web.variable_rows import ScopeNames
from deployments.releases.previewing.references import with_parts_of_references
from deployments.releases.previewing.variables import Previewed, preview, with_settings
from deployments.releases.variables import tenant_context, tenant_variables
from tenants.choices import ProjectTenant, project_tenants
from tenants.models import Tenant
from tenants.queries import tenant_scope

T = TypeVar("T", Environment, Tenant, Machine, Channel)

_NAMES: Final = ("environment", "tenant", "target", "step", "channel", "process")


@dataclass(frozen=True, slots=True)
class PlaceStep:
    """A step of the chosen process, or one of several actions of it."""

    number: int
    step: Step
    action: Action

    @property
    def id(self) -> str:
        return self.action.id

    @property
    def name(self) -> str:
        return self.action.name

    @property
    def words(self) -> str:
        """The number of the action, as deployments have it."""
        if len(self.step.actions) == 1:
            return str(self.number)
        return f"{self.number}.{1 + self.step.actions.index(self.action)}"


@dataclass(frozen=True)
class VariablePlace:
    """What the reader chose, of what can be chosen; None and empty where nothing was."""

    environments: list[Environment]
    tenants: list[Tenant]
    machines: list[Machine]
    steps: list[PlaceStep]
    channels: list[Channel]
    processes: list[tuple[str, str]]
    chosen: Mapping[str, str]
    names: ScopeNames

    @property
    def environment(self) -> Environment | None:
        return self._one(self.environments, "environment")

    @property
    def tenant(self) -> Tenant | None:
        return self._one(self.tenants, "tenant")

    @property
    def machine(self) -> Machine | None:
        return self._one(self.machines, "target")

    @property
    def channel(self) -> Channel | None:
        """The chosen channel; runbooks have none."""
        return None if self.process else self._one(self.channels, "channel")

    @property
    def process(self) -> str:
        """The owner of the chosen process, empty for the deployment process."""
        return next((each for each, _ in self.processes if each == self.chosen["process"]), "")

    @property
    def step(self) -> PlaceStep | None:
        """The chosen step; one of another process was chosen before that process was."""
        return next((each for each in self.steps if each.id == self.chosen["step"]), None)

    def _one(self, rows: list[T], name: str) -> T | None:
        return next((row for row in rows if row.public_id == self.chosen[name]), None)


def place_of_request(request: PageRequest, project: Project, owner: ValuesOwner) -> VariablePlace:
    """Return the place that the address names; what cannot be chosen counts as not chosen."""
    around = owner.surroundings(request)
    tenants = [each.tenant for each in project_tenants(request.actor, project)]
    chosen = {name: request.GET.get(name, "") for name in _NAMES}
    return VariablePlace(
        around.environments,
        tenants,
        around.machines,
        [
            PlaceStep(number, step, action)
            for number, step in enumerate(around.process_of(chosen["process"]).steps, start=1)
            for action in step.actions
        ],
        around.channels,
        around.processes if around.runbooks else [],
        chosen,
        {**around.names(), "Tenant": {row.public_id.lower(): row.name for row in tenants}},
    )


def variables_there(
    request: PageRequest, project: Project, owner: ValuesOwner, place: VariablePlace
) -> list[Previewed]:
    """Return the project's variables as a deployment to the place would see them."""
    sources = [(owner.variable_set, f"Project {project.name}")]
    sources += [(row.values, f"Set {row.name}") for row in owner.included()]
    candidates, seen, origins = competing(request.actor, sources)
    for each in _of_tenant(request, project, place):
        candidates.append(each)
        origins[id_of(each)] = f"Tenant {place.tenant.name}" if place.tenant else ""
        seen.add(id_of(each))
    context = _context(project, place)
    rows = preview(candidates, context, _system(request, project, place), Seen(seen, origins))
    if place.step and _may_see_settings(request, project, place):
        rows = with_settings(rows, place.step.action)
    return with_parts_of_references(request.actor, request.space, rows, candidates)


def _may_see_settings(request: PageRequest, project: Project, place: VariablePlace) -> bool:
    """Tell whether the reader may see the chosen process; of runbooks, only those are offered."""
    return bool(place.process) or request.grants.allows(
        Permission.ProcessView, project=project.pk, project_group=project.group_id
    )


def _of_tenant(request: PageRequest, project: Project, place: VariablePlace) -> list[Candidate]:
    """Return what the tenant filled in; nothing where the reader may not see it."""
    tenant, environment = place.tenant, place.environment
    if tenant is None or environment is None:
        return []
    return ProjectTenant(project, tenant).values(request.grants, environment.pk)


def _context(project: Project, place: VariablePlace) -> ScopeContext:
    machine, chosen = place.machine, place.step
    return ScopeContext(
        **tenant_context(tenant_scope(place.tenant)),
        environment=place.environment.public_id if place.environment else None,
        channel=place.channel.public_id if place.channel else None,
        machine=machine.public_id if machine else None,
        roles=frozenset(str(role) for role in machine.roles) if machine else frozenset(),
        target_roles=frozenset(chosen.step.target_roles) if chosen else frozenset(),
        action=chosen.id if chosen else None,
        process_owner=place.process or project.public_id,
        project=project.public_id,
    )


def _system(request: PageRequest, project: Project, place: VariablePlace) -> dict[str, str]:
    found = project_variables(project, request.space)
    if place.environment:
        found |= environment_variables(place.environment)
    found |= tenant_variables(tenant_scope(place.tenant))
    if place.process:
        found["Octopus.Runbook.Id"] = place.process
        found["Octopus.Runbook.Name"] = dict(place.processes)[place.process]
    if place.channel:
        found["Octopus.Release.Channel.Id"] = place.channel.public_id
        found["Octopus.Release.Channel.Name"] = place.channel.name
    if machine := place.machine:
        found |= machine_variables(machine.public_id, machine.name, map(str, machine.roles))
    if chosen := place.step:
        step = chosen.step
        found |= step_variables(step.id, step.name, chosen.number)
        found |= action_variables(chosen.id, chosen.name, chosen.words, step.target_roles)
    return found

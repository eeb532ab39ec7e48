"""Gathering what a deployment of a release would do, for the preview and for creating it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from agent.language import LanguageError, evaluate
from deployments.base.actor import Actor
from deployments.base.errors import Invalid
from deployments.base.models import Space
from deployments.infrastructure.models import Environment, Machine
from deployments.infrastructure.models.machine import HealthStatus
from deployments.infrastructure.queries import machines_of_environment
from deployments.library.scoping import ScopeContext, resolve_all
from deployments.projects.process import Process
from deployments.projects.process.shape import TARGET_ROLES
from deployments.releases.models import Frozen
from deployments.releases.preview import PlannedAction, Target, TargetChoice, planned_actions
from deployments.releases.queries import process_of_release
from deployments.releases.variables import plain_values, release_candidates, tenant_context
from tenants.queries import TenantScope, machines_for


@dataclass(frozen=True, slots=True)
class MachinesThere:
    """The enabled targets of an environment, read once, and which of them the viewer may see."""

    machines: Sequence[Machine]
    seen: frozenset[int]

    @property
    def shown(self) -> list[Machine]:
        return [machine for machine in self.machines if machine.pk in self.seen]


def machines_there(space: Space, environment: Environment, viewer: Actor) -> MachinesThere:
    """Return what plans for the environment are made from; two queries."""
    rows = machines_of_environment(space, environment)
    mine = Machine.objects.visible_to(viewer, space, "MachineView").order_by()
    seen = mine.filter(pk__in=rows.order_by().values("pk")).values_list("pk", flat=True)
    return MachinesThere(list(rows), frozenset(seen))


def plan_of(
    frozen: Frozen,
    environment: Environment,
    *,
    there: MachinesThere | None = None,
    tenant: TenantScope | None = None,
    only: Collection[str] = (),
    without: Collection[str] = (),
    only_tags: Collection[str] = (),
    without_tags: Collection[str] = (),
    skipped: Collection[str] = (),
    viewer: Actor | None = None,
) -> tuple[PlannedAction, ...]:
    """Return the actions with their targets; with a `viewer` only machines that it may see.

    Give `there` when the environment's machines have been read already.
    """
    settings = frozen.settings_in_force
    process = process_of_release(frozen)
    if there is None and viewer is not None:
        there = machines_there(frozen.space, environment, viewer)
    machines = there.shown if there else machines_of_environment(frozen.space, environment)
    return planned_actions(
        process,
        environment=environment.public_id,
        channel=frozen.channel_scope,
        tenant_tags=frozenset(tenant.tags) if tenant else None,
        targets=[_target(machine) for machine in machines_for(machines, tenant)],
        choice=TargetChoice(
            frozenset(only),
            frozenset(without),
            frozenset(only_tags),
            frozenset(without_tags),
            settings.exclude_unhealthy_targets,
        ),
        skipped=skipped,
        roles_of=_evaluated_roles(process, frozen, environment, tenant),
    )


def _target(machine: Machine) -> Target:
    return Target(
        id=machine.public_id,
        name=machine.name,
        roles=frozenset(machine.roles),
        is_available=machine.health_status != HealthStatus.UNAVAILABLE,
        is_unhealthy=machine.health_status in {HealthStatus.UNAVAILABLE, HealthStatus.UNHEALTHY},
    )


def _evaluated_roles(
    process: Process, frozen: Frozen, environment: Environment, tenant: TenantScope | None
) -> dict[str, str]:
    """Return the role texts of the steps that write them as templates."""
    texts = {step.id: step.text(TARGET_ROLES) for step in process.steps}
    templates = {number: text for number, text in texts.items() if "#{" in text}
    if not templates:
        return {}
    context = ScopeContext(
        environment=environment.public_id,
        channel=frozen.channel_scope or None,
        process_owner=frozen.process_owner,
        project=f"Projects-{frozen.project_id}",
        **tenant_context(tenant),
    )
    values = plain_values(resolve_all(release_candidates(frozen, environment.pk, tenant), context))
    try:
        return {number: evaluate(text, values).text for number, text in templates.items()}
    except LanguageError as error:
        raise Invalid(f"The target tags of a step cannot be evaluated: {error}") from error

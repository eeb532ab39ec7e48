"""What a trigger gives to deployment targets that came or changed: decided for one group."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from deployments.base.clock import Clock
from deployments.infrastructure.models import Environment, Machine, MachineEnvironment
from deployments.infrastructure.models.machine import HealthStatus
from deployments.projects.models import Outcome, ProjectTrigger, WaitingTarget
from deployments.projects.services.decisions import Decision
from deployments.releases.models import Deployment, Release
from deployments.releases.options import DeploymentOptions, Trigger
from deployments.releases.queries import process_of_release
from deployments.releases.services.automation.acting import (
    answers_of,
    attempt,
    current_deployment,
)
from deployments.releases.services.automation.by_trigger import actor_of
from deployments.releases.services.automation.overrides import override_for
from deployments.releases.services.deployments import create_deployment
from deployments.server_tasks.states import TaskState
from tenants.models import Tenant

_REDEPLOY: Final = "ShouldRedeployWhenMachineHasBeenDeployedTo"
# So many deployments are looked through for the last one that reached a target.
_LOOKED_THROUGH: Final = 100


@dataclass(frozen=True, slots=True)
class Group:
    """What waits for one deployment."""

    trigger: ProjectTrigger
    environment: Environment
    waiting: Sequence[WaitingTarget]
    tenant: Tenant | None = None

    @property
    def tenant_number(self) -> int | None:
        return self.tenant.pk if self.tenant else None

    @property
    def place(self) -> str:
        return (
            f"{self.environment.name} for {self.tenant.name}"
            if self.tenant
            else self.environment.name
        )

    @property
    def cause(self) -> str:
        more = f" and {len(self.waiting) - 1} more" if len(self.waiting) > 1 else ""
        return f"{self.waiting[0].cause}{more}"


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the targets get: the release, and the deployment whose choices are taken over."""

    release: Release
    words: str
    like: Deployment | None


def decide(group: Group, clock: Clock) -> Decision:
    """Deploy to the group what is current for it, and say what came of it."""
    trigger, environment = group.trigger, group.environment
    plan = _plan(group)
    if plan is None:
        reason = f"No release has been deployed to {group.place} successfully yet."
        return Decision(Outcome.NOTHING, group.cause, reason)
    machines, left_out = _machines(group, plan.release)
    if not machines:
        return Decision(Outcome.NOTHING, group.cause, " ".join(left_out))

    def deploy() -> Deployment:
        return create_deployment(
            actor=actor_of(trigger),
            release=plan.release,
            environment=environment,
            tenant=group.tenant,
            options=_options(trigger, plan, machines),
            clock=clock,
        )

    names = ", ".join(machine.name for machine in machines)
    what = f"{plan.release.version}, {plan.words} in {group.place}, to {names}"
    deployment, refusal = attempt(deploy, name=trigger.saved_by_name)
    decision = Decision(
        Outcome.DEPLOYED,
        group.cause,
        " ".join((f"It deploys {what}.", *left_out)),
        release_id=plan.release.public_id,
    )
    if deployment is None:
        reason = " ".join((f"It could not deploy {what}: {refusal}", *left_out))
        return replace(decision, outcome=Outcome.REFUSED, reason=reason)
    return replace(decision, results=(deployment.public_id,))


def _plan(group: Group) -> _Plan | None:
    """Return the release that the project names for the environment, else the current one."""
    trigger, environment = group.trigger, group.environment
    current = current_deployment(
        trigger.space, trigger.project_id, environment.pk, group.tenant_number
    )
    named = override_for(trigger.project, environment, group.tenant)
    if named is not None:
        like = current if current is not None and current.release_id == named.pk else None
        return _Plan(named, "which the project names for new targets", like)
    if current is None:
        return None
    return _Plan(current.release, "which is current", current)


def _options(
    trigger: ProjectTrigger, plan: _Plan, machines: Sequence[Machine]
) -> DeploymentOptions:
    """Return the choices of the current deployment, for these targets alone."""
    known = {action.id for _, action in process_of_release(plan.release).actions()}
    chosen = plan.like.options if plan.like is not None else {}
    return DeploymentOptions(
        comments=f"Deployed by the trigger {trigger.name}.",
        skip_actions=tuple(each for each in chosen.get("skip_actions", []) if each in known),
        specific_machines=tuple(machine.public_id for machine in machines),
        use_guided_failure=chosen.get("use_guided_failure"),
        form_values=answers_of(plan.like) if plan.like is not None else {},
        trigger=Trigger(trigger.public_id, trigger.name, is_for_targets=True),
    )


def _machines(group: Group, release: Release) -> tuple[list[Machine], list[str]]:
    """Return the targets to deploy to, and a sentence for each that is left out."""
    environment = group.environment
    still_here = set(
        MachineEnvironment.objects.filter(environment=environment).values_list(
            "machine_id", flat=True
        )
    )
    redeploys = bool(group.trigger.action[_REDEPLOY])
    releases = {} if redeploys else _last_releases(release, group)
    chosen, left_out = [], []
    for each in group.waiting:
        machine = each.machine
        if machine.pk not in still_here:
            left_out.append(f"{machine.name} is not in {environment.name} any more.")
        elif machine.is_disabled:
            left_out.append(f"{machine.name} is disabled.")
        elif machine.health_status == HealthStatus.UNAVAILABLE:
            left_out.append(f"{machine.name} is unavailable.")
        elif releases.get(machine.public_id) == release.pk:
            left_out.append(f"{machine.name} has {release.version} already.")
        else:
            chosen.append(machine)
    return chosen, left_out


def _last_releases(release: Release, group: Group) -> dict[str, int]:
    """Return which release each target of the environment got last, by its public id."""
    rows = Deployment.objects.in_space(release.space).filter(
        project=release.project_id,
        environment=group.environment,
        tenant_number=group.tenant_number,
        task__state=TaskState.SUCCESS,
    )
    found: dict[str, int] = {}
    for number, machines in rows.values_list("release_id", "deployed_machines")[:_LOOKED_THROUGH]:
        for machine in machines:
            found.setdefault(machine, number)
    return found

"""Deployment target triggers: new or recovered targets get the release that is current there.

An event that counts marks the target at once; the deployment is made a moment later, so that
targets which come together share one, and not while another deployment of the project runs there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from django.db import transaction

from deployments.access.actors import actor_behind
from deployments.base import public_ids
from deployments.base.clock import Clock, utc_now
from deployments.base.models import Event
from deployments.infrastructure.models import Environment, Machine, MachineEnvironment
from deployments.infrastructure.models.machine import HealthStatus
from deployments.projects.models import Outcome, ProjectTrigger, WaitingTarget
from deployments.projects.services.decisions import Decision, log_decision
from deployments.projects.triggers.filters import (
    MACHINE,
    MACHINE_CATEGORIES,
    machine_filter_of,
)
from deployments.releases.models import Deployment, Release
from deployments.releases.options import DeploymentOptions, Trigger
from deployments.releases.queries import process_of_release
from deployments.releases.services.automation.acting import (
    answers_of,
    attempt,
    current_deployment,
    running_deployment,
)
from deployments.releases.services.automation.overrides import override_for
from deployments.releases.services.deployments import create_deployment
from deployments.server_tasks.states import TaskState

NAME: Final = "target-triggers"
LABEL: Final = "Deployment target triggers"
CATEGORIES: Final = MACHINE_CATEGORIES
# Targets that come within this time share a deployment.
GATHERING: Final = timedelta(seconds=15)
_REDEPLOY: Final = "ShouldRedeployWhenMachineHasBeenDeployedTo"
_EVERY_SPACE = "automation spans the spaces"
_LONGEST_CAUSE: Final = 300
# So many deployments are looked through for the last one that reached a target.
_LOOKED_THROUGH: Final = 100


@dataclass(frozen=True, slots=True)
class _Group:
    """What waits for one deployment."""

    trigger: ProjectTrigger
    environment: Environment
    waiting: Sequence[WaitingTarget]

    @property
    def cause(self) -> str:
        more = f" and {len(self.waiting) - 1} more" if len(self.waiting) > 1 else ""
        return f"{self.waiting[0].cause}{more}"


def mark_targets(event: Event, *, clock: Clock = utc_now) -> None:
    """Mark the target for every trigger that the event counts for; joins the transaction."""
    number = public_ids.parse(Machine.id_prefix, event.subject_id)
    if event.space is None or number is None:
        return
    machine = Machine.objects.in_space(event.space).filter(pk=number).first()
    if machine is None:
        return
    environments = list(machine.environments.values_list("pk", flat=True))
    triggers = ProjectTrigger.objects.in_space(event.space).filter(
        filter_type=MACHINE, is_disabled=False
    )
    WaitingTarget.objects.bulk_create(
        [
            WaitingTarget(
                trigger=trigger,
                machine=machine,
                environment_id=environment,
                cause=event.message[:_LONGEST_CAUSE],
                since=clock(),
            )
            for trigger in triggers
            for environment in environments
            if machine_filter_of(trigger.filter).takes(
                event.category, f"Environments-{environment}", machine.roles
            )
        ],
        ignore_conflicts=True,
    )


def deploy_to_waiting_targets(*, clock: Clock = utc_now) -> int:
    """Deploy to the marked targets whose time has come; return how many groups were settled."""
    ripe = WaitingTarget.objects.filter(since__lte=clock() - GATHERING)
    pairs = ripe.order_by().values_list("trigger_id", "environment_id").distinct()
    return sum(_settle(trigger, environment, clock) for trigger, environment in pairs)


@transaction.atomic
def _settle(trigger_id: int, environment_id: int, clock: Clock) -> bool:
    rows = WaitingTarget.objects.filter(trigger=trigger_id, environment=environment_id)
    # Claims them: another worker finds them gone after it waited for this transaction.
    rows.update(since=clock() - GATHERING)
    waiting = list(rows.select_related("machine"))
    if not waiting:
        return False
    triggers = ProjectTrigger.objects.unscoped(reason=_EVERY_SPACE)
    trigger = triggers.select_related("project", "space").get(pk=trigger_id)
    environment = Environment.objects.in_space(trigger.space).get(pk=environment_id)
    group = _Group(trigger, environment, waiting)
    running = running_deployment(trigger.space, trigger.project_id, environment_id)
    if running is not None:
        if not all(each.has_been_told for each in waiting):
            reason = (
                f"{running.release.version} is being deployed to {environment.name}; it is looked"
                " at again when that has ended."
            )
            _log(group, Decision(Outcome.WAITING, group.cause, reason), clock)
            rows.update(has_been_told=True)
        return False
    _log(group, _decide(group, clock), clock)
    rows.filter(pk__in=[each.pk for each in waiting]).delete()
    return True


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the targets get: the release, and the deployment whose choices are taken over."""

    release: Release
    words: str
    like: Deployment | None


def _decide(group: _Group, clock: Clock) -> Decision:
    trigger, environment = group.trigger, group.environment
    plan = _plan(group)
    if plan is None:
        reason = f"No release has been deployed to {environment.name} successfully yet."
        return Decision(Outcome.NOTHING, group.cause, reason)
    machines, left_out = _machines(group, plan.release)
    if not machines:
        return Decision(Outcome.NOTHING, group.cause, " ".join(left_out))

    def deploy() -> Deployment:
        return create_deployment(
            actor=actor_behind(
                trigger.saved_by, trigger.saved_by_name, reason=f"trigger {trigger.name}"
            ),
            release=plan.release,
            environment=environment,
            options=_options(trigger, plan, machines),
            clock=clock,
        )

    names = ", ".join(machine.name for machine in machines)
    what = f"{plan.release.version}, {plan.words} in {environment.name}, to {names}"
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


def _plan(group: _Group) -> _Plan | None:
    """Return the release that the project names for the environment, else the current one."""
    trigger, environment = group.trigger, group.environment
    current = current_deployment(trigger.space, trigger.project_id, environment.pk)
    named = override_for(trigger.project, environment)
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


def _machines(group: _Group, release: Release) -> tuple[list[Machine], list[str]]:
    """Return the targets to deploy to, and a sentence for each that is left out."""
    environment = group.environment
    still_here = set(
        MachineEnvironment.objects.filter(environment=environment).values_list(
            "machine_id", flat=True
        )
    )
    redeploys = bool(group.trigger.action[_REDEPLOY])
    releases = {} if redeploys else _last_releases(release, environment)
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


def _last_releases(release: Release, environment: Environment) -> dict[str, int]:
    """Return which release each target of the environment got last, by its public id."""
    rows = Deployment.objects.in_space(release.space).filter(
        project=release.project_id,
        environment=environment,
        tenant_number=None,
        task__state=TaskState.SUCCESS,
    )
    found: dict[str, int] = {}
    for number, machines in rows.values_list("release_id", "deployed_machines")[:_LOOKED_THROUGH]:
        for machine in machines:
            found.setdefault(machine, number)
    return found


def _log(group: _Group, decision: Decision, clock: Clock) -> None:
    whole = replace(decision, environment_id=group.environment.public_id)
    log_decision(group.trigger.project, whole, trigger=group.trigger, clock=clock)

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
from deployments.releases.models import Deployment
from deployments.releases.options import DeploymentOptions
from deployments.releases.queries import process_of_release
from deployments.releases.services.automation.acting import (
    answers_of,
    attempt,
    current_deployment,
    running_deployment,
)
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


def _decide(group: _Group, clock: Clock) -> Decision:
    trigger, environment = group.trigger, group.environment
    current = current_deployment(trigger.space, trigger.project_id, environment.pk)
    if current is None:
        reason = f"No release has been deployed to {environment.name} successfully yet."
        return Decision(Outcome.NOTHING, group.cause, reason)
    machines, left_out = _machines(group, current)
    if not machines:
        return Decision(Outcome.NOTHING, group.cause, " ".join(left_out))

    def deploy() -> Deployment:
        return create_deployment(
            actor=actor_behind(
                trigger.saved_by, trigger.saved_by_name, reason=f"trigger {trigger.name}"
            ),
            release=current.release,
            environment=environment,
            options=_options(trigger, current, machines),
            clock=clock,
        )

    names = ", ".join(machine.name for machine in machines)
    what = f"{current.release.version}, which is current in {environment.name}, to {names}"
    deployment, refusal = attempt(deploy, name=trigger.saved_by_name)
    if deployment is None:
        reason = " ".join((f"It could not deploy {what}: {refusal}", *left_out))
        return Decision(Outcome.REFUSED, group.cause, reason, release_id=current.release.public_id)
    return Decision(
        Outcome.DEPLOYED,
        group.cause,
        " ".join((f"It deploys {what}.", *left_out)),
        release_id=current.release.public_id,
        results=(deployment.public_id,),
    )


def _options(
    trigger: ProjectTrigger, current: Deployment, machines: Sequence[Machine]
) -> DeploymentOptions:
    """Return the choices of the current deployment, for these targets alone."""
    known = {action.id for _, action in process_of_release(current.release).actions()}
    skipped = current.options.get("skip_actions", [])
    return DeploymentOptions(
        comments=f"Deployed by the trigger {trigger.name}.",
        skip_actions=tuple(each for each in skipped if each in known),
        specific_machines=tuple(machine.public_id for machine in machines),
        use_guided_failure=current.options.get("use_guided_failure"),
        form_values=answers_of(current),
    )


def _machines(group: _Group, current: Deployment) -> tuple[list[Machine], list[str]]:
    """Return the targets to deploy to, and a sentence for each that is left out."""
    environment = group.environment
    still_here = set(
        MachineEnvironment.objects.filter(environment=environment).values_list(
            "machine_id", flat=True
        )
    )
    redeploys = bool(group.trigger.action[_REDEPLOY])
    releases = {} if redeploys else _last_releases(current)
    chosen, left_out = [], []
    for each in group.waiting:
        machine = each.machine
        if machine.pk not in still_here:
            left_out.append(f"{machine.name} is not in {environment.name} any more.")
        elif machine.is_disabled:
            left_out.append(f"{machine.name} is disabled.")
        elif machine.health_status == HealthStatus.UNAVAILABLE:
            left_out.append(f"{machine.name} is unavailable.")
        elif releases.get(machine.public_id) == current.release_id:
            left_out.append(f"{machine.name} has {current.release.version} already.")
        else:
            chosen.append(machine)
    return chosen, left_out


def _last_releases(current: Deployment) -> dict[str, int]:
    """Return which release each target got last, by its public id."""
    rows = Deployment.objects.in_space(current.space).filter(
        project=current.project_id,
        environment=current.environment_id,
        tenant_number=None,
        task__state=TaskState.SUCCESS,
    )
    found: dict[str, int] = {}
    for release, machines in rows.values_list("release_id", "deployed_machines")[:_LOOKED_THROUGH]:
        for machine in machines:
            found.setdefault(machine, release)
    return found


def _log(group: _Group, decision: Decision, clock: Clock) -> None:
    whole = replace(decision, environment_id=group.environment.public_id)
    log_decision(group.trigger.project, whole, trigger=group.trigger, clock=clock)

"""Deployment target triggers: new or recovered targets get the release that is current there.

An event that counts marks the target at once; the deployment is made a moment later, so that
targets which come together share one, and not while another deployment of the project runs there.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from django.db import transaction

from deployments.base import public_ids
from deployments.base.clock import Clock, utc_now
from deployments.base.models import Event
from deployments.infrastructure.models import Environment, Machine
from deployments.projects.models import Outcome, ProjectTrigger, WaitingTarget
from deployments.projects.services.decisions import Decision, log_decision
from deployments.projects.triggers.filters import (
    MACHINE,
    MACHINE_CATEGORIES,
    machine_filter_of,
)
from deployments.releases.models import Deployment
from deployments.releases.services.automation.acting import (
    running_deployments,
)
from deployments.releases.services.automation.target_decision import Group, decide
from deployments.server_tasks.states import TaskState
from tenants.queries import machines_for, tenant_of, tenant_scope

NAME: Final = "target-triggers"
LABEL: Final = "Deployment target triggers"
CATEGORIES: Final = MACHINE_CATEGORIES
# Targets that come within this time share a deployment.
GATHERING: Final = timedelta(seconds=15)
# A target may serve hundreds of tenants: so many of them are settled in one transaction.
AT_ONCE: Final = 25
_EVERY_SPACE = "automation spans the spaces"
_LONGEST_CAUSE: Final = 300


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
    ripe = WaitingTarget.objects.filter(since__lte=clock() - GATHERING, trigger__space__deletion="")
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
    held: set[int] = set()
    later: set[int] = set()
    groups = _groups(trigger, environment, waiting)
    _tell_of_nobody(trigger, environment, waiting, groups, clock)
    under_way = running_deployments(trigger.space, trigger.project_id, environment_id)
    decided = 0
    for group in groups:
        running = under_way.get(group.tenant_number)
        if running is not None:
            held |= {each.pk for each in group.waiting}
            _tell_of_wait(group, running, clock)
            continue
        if decided == AT_ONCE:
            later |= {each.pk for each in group.waiting}
            continue
        decided += 1
        _log(group, decide(group, clock), clock)
        for each in group.waiting:
            each.settled_for.append(group.tenant_number)
    kept = held | later
    rows.filter(pk__in=[each.pk for each in waiting if each.pk not in kept]).delete()
    for each in waiting:
        if each.pk in kept:
            each.has_been_told |= each.pk in held
            each.save(update_fields=["has_been_told", "settled_for"])
    return not kept


def _tell_of_nobody(
    trigger: ProjectTrigger,
    environment: Environment,
    waiting: Sequence[WaitingTarget],
    groups: Sequence[Group],
    clock: Clock,
) -> None:
    """Say that nothing is current for the tenants that some targets serve."""
    grouped = {each.pk for group in groups for each in group.waiting}
    left = [each for each in waiting if each.pk not in grouped and not each.settled_for]
    if left:
        names = ", ".join(each.machine.name for each in left)
        reason = f"Nothing is current in {environment.name} for whom {names} may serve."
        group = Group(trigger, environment, left)
        _log(group, Decision(Outcome.NOTHING, group.cause, reason), clock)


def _tell_of_wait(group: Group, running: Deployment, clock: Clock) -> None:
    """Say once what the group waits for."""
    if all(each.has_been_told for each in group.waiting):
        return
    reason = (
        f"{running.release.version} is being deployed to {group.place}; it is looked at again when"
        " that has ended."
    )
    _log(group, Decision(Outcome.WAITING, group.cause, reason), clock)


def _groups(
    trigger: ProjectTrigger, environment: Environment, waiting: Sequence[WaitingTarget]
) -> list[Group]:
    """Return what to decide: without a tenant, and for each tenant that is deployed there."""
    numbers = _tenants_there(trigger, environment)
    tenants = {number: tenant for number in numbers if (tenant := tenant_of(trigger.space, number))}
    groups = []
    for tenant in (None, *tenants.values()):
        serving = {
            machine.pk
            for machine in machines_for([each.machine for each in waiting], tenant_scope(tenant))
        }
        group = Group(trigger, environment, [], tenant)
        mine = [
            each
            for each in waiting
            if each.machine_id in serving and group.tenant_number not in each.settled_for
        ]
        if mine and (tenant is not None or None in numbers or not tenants):
            groups.append(replace(group, waiting=mine))
    return groups


def _tenants_there(trigger: ProjectTrigger, environment: Environment) -> list[int | None]:
    """Return for whom the project was deployed to the environment successfully."""
    rows = Deployment.objects.in_space(trigger.space).filter(
        project=trigger.project_id, environment=environment, task__state=TaskState.SUCCESS
    )
    return list(rows.order_by("tenant_number").values_list("tenant_number", flat=True).distinct())


def _log(group: Group, decision: Decision, clock: Clock) -> None:
    whole = replace(
        decision,
        environment_id=group.environment.public_id,
        tenant_id=group.tenant.public_id if group.tenant else "",
    )
    log_decision(group.trigger.project, whole, trigger=group.trigger, clock=clock)

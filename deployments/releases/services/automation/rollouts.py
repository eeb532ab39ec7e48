"""Roll-outs: the deployments that phases and schedules have planned, each made once.

However many one event or schedule plans, each is made in a transaction of its own that also removes
its plan. So a roll-out holds nothing up, and goes on where it was after a crash.
"""

from typing import Final

import structlog
from django.db import transaction
from django.db.models import F

from agent import failpoints
from deployments.base.clock import Clock, utc_now
from deployments.base.wake import wake_now
from deployments.projects.models import Outcome, PendingDeployment, ProjectTrigger
from deployments.projects.services.decisions import Decision, log_decision
from deployments.releases.models import Release
from deployments.releases.services.automation import doing, lifecycles
from deployments.releases.services.automation.acting import decision_about, put_off
from tenants.queries import tenant_of

log = structlog.get_logger(__name__)

# So many are made before the worker looks for other work.
AT_ONCE: Final = 50


def continue_rollouts(*, most: int = AT_ONCE, clock: Clock = utc_now) -> int:
    """Make planned deployments in their order; return how many were settled."""
    for settled in range(most):
        if not _settle_next(clock):
            return settled
    wake_now("releases.continue_rollouts")
    return most


def _settle_next(clock: Clock) -> bool:
    """Make the next deployment; return whether to go on: there was one, and nobody else made it."""
    rows = PendingDeployment.objects.filter(due__lte=clock())
    living = rows.filter(project__space__deletion="")
    row = living.select_related("project__space", "trigger", "environment").first()
    if row is None:
        return False
    try:
        with transaction.atomic():
            # Another worker waits here for the end of this transaction, finds it gone, and leaves
            # the rest to this one: a roll-out shall not occupy all workers.
            if not rows.filter(pk=row.pk).delete()[0]:
                return False
            decision = _decide(row, clock)
            log_decision(row.project, decision, trigger=row.trigger, clock=clock)
            failpoints.hit("rollout.made")
    except Exception as error:  # noqa: BLE001 one that breaks must not stop the others
        _failed(row.pk, error, clock)
    return True


def _decide(row: PendingDeployment, clock: Clock) -> Decision:
    space, release = row.project.space, None
    if row.release_number is not None:
        rows = Release.objects.in_space(space).filter(pk=row.release_number)
        # Locks it: workers that deploy the same release look one after the other where it is.
        rows.update(assembled=F("assembled"))
        release = rows.select_related("project", "channel").first()
        if release is None:
            return decision_about(row, Outcome.NOTHING, "The release does not exist any more.")
        release.space = space
    if row.tenant_number is not None and tenant_of(space, row.tenant_number) is None:
        return decision_about(row, Outcome.NOTHING, "The tenant does not exist any more.")
    if row.trigger is not None:
        return doing.deploy_planned(row, _whole(row, row.trigger), release, clock)
    if release is None:
        return decision_about(row, Outcome.NOTHING, "The release does not exist any more.")
    return lifecycles.deploy_planned(row, release, clock)


def _whole(row: PendingDeployment, trigger: ProjectTrigger) -> ProjectTrigger:
    trigger.project, trigger.space = row.project, row.project.space
    return trigger


def _failed(number: int, error: Exception, clock: Clock) -> None:
    """Try it again later; after the last attempt say that it failed and go on without it."""
    log.error("planned deployment failed", pending=number, exc_info=error)
    with transaction.atomic():
        row = PendingDeployment.objects.filter(pk=number).select_related("project__space").first()
        if row is None:
            return
        if put_off(row, clock):
            return
        reason = (
            f"It failed in the server ({type(error).__name__}); the server's log has the error."
        )
        decision = decision_about(row, Outcome.REFUSED, reason)
        log_decision(row.project, decision, trigger=row.trigger, clock=clock)
        row.delete()

"""Triggers that news have set off: each call is answered once, in a transaction of its own."""

from typing import Final

import structlog
from django.db import transaction

from deployments.base.clock import Clock, utc_now
from deployments.base.wake import wake, wake_now
from deployments.projects.models import Outcome, ProjectTrigger, TriggerCall
from deployments.projects.services.decisions import LONGEST_CAUSE, Decision, log_decision
from deployments.releases.services.automation.acting import put_off
from deployments.releases.services.automation.by_trigger import Occasion
from deployments.releases.services.automation.doing import act, prepare

log = structlog.get_logger(__name__)

# So many are answered before the worker looks for other work.
AT_ONCE: Final = 20


def call(trigger: ProjectTrigger, occasion: Occasion, clock: Clock) -> None:
    """Let the trigger act soon; joins the transaction of what took note of the news."""
    TriggerCall.objects.create(
        trigger=trigger,
        cause=occasion.cause[:LONGEST_CAUSE],
        event_id=occasion.event_id,
        tenant_number=occasion.tenant_number,
        notes=occasion.notes,
        due=clock(),
    )
    wake("releases.answer_calls")


def answer_calls(*, most: int = AT_ONCE, clock: Clock = utc_now) -> int:
    """Let called triggers act in the order of their calls; return how many were settled."""
    for settled in range(most):
        if not _settle_next(clock):
            return settled
    wake_now("releases.answer_calls")
    return most


def _settle_next(clock: Clock) -> bool:
    """Answer the next call; return whether to go on: there was one, and nobody else answered it."""
    rows = TriggerCall.objects.filter(due__lte=clock(), trigger__space__deletion="")
    row = rows.select_related("trigger__project", "trigger__space").first()
    if row is None:
        return False
    trigger = row.trigger
    try:
        prepare(trigger, clock)
        with transaction.atomic():
            # Another worker waits here, finds it gone, and leaves the rest to this one.
            if not TriggerCall.objects.filter(pk=row.pk).delete()[0]:
                return False
            occasion = Occasion(row.cause, row.event_id, row.tenant_number, row.notes)
            for decision in act(trigger, occasion, clock):
                log_decision(trigger.project, decision, trigger=trigger, clock=clock)
    except Exception as error:  # noqa: BLE001 one that breaks must not stop the others
        _failed(row.pk, error, clock)
    return True


def _failed(number: int, error: Exception, clock: Clock) -> None:
    """Try it again later; after the last attempt say that it failed and go on without it."""
    log.error("a called trigger failed", call=number, exc_info=error)
    with transaction.atomic():
        rows = TriggerCall.objects.filter(pk=number).select_related("trigger__project__space")
        row = rows.first()
        if row is None or put_off(row, clock):
            return
        reason = (
            f"It failed in the server ({type(error).__name__}); the server's log has the error."
        )
        decision = Decision(Outcome.REFUSED, row.cause, reason, event_id=row.event_id)
        log_decision(row.trigger.project, decision, trigger=row.trigger, clock=clock)
        row.delete()

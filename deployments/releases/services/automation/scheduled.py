"""Scheduled triggers: each due one runs once, however much of its time the server was away."""

from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import transaction

from deployments.base.clock import Clock, utc_now
from deployments.projects.models import Outcome, ProjectTrigger
from deployments.projects.services.decisions import Decision, log_decision
from deployments.projects.triggers.filters import SCHEDULES, timetable_of
from deployments.projects.triggers.schedules import next_run
from deployments.releases.services.automation.by_trigger import Occasion
from deployments.releases.services.automation.doing import act, prepare

log = structlog.get_logger(__name__)

_EVERY_SPACE = "automation spans the spaces"
# From here on a run counts as late and says so.
_LATE: Final = timedelta(minutes=2)


def run_due_schedules(*, clock: Clock = utc_now) -> int:
    """Run what is due; return how many triggers ran."""
    now = clock()
    rows = ProjectTrigger.objects.unscoped(reason=_EVERY_SPACE).filter(space__deletion="")
    due = rows.filter(filter_type__in=SCHEDULES, is_disabled=False, next_run__lte=now)
    moments = list(due.order_by("next_run").values_list("pk", "next_run"))
    return sum(_run(pk, moment, clock) for pk, moment in moments if moment is not None)


def _run(pk: int, planned: datetime, clock: Clock) -> bool:
    try:
        _prepare(pk, clock)
        with transaction.atomic():
            trigger = _claim(pk, planned, clock)
            if trigger is None:
                return False
            for decision in act(trigger, Occasion(_cause(planned, clock())), clock):
                log_decision(trigger.project, decision, trigger=trigger, clock=clock)
    except Exception as error:
        log.exception("scheduled trigger failed", trigger=pk)
        return _pass_over(pk, planned, error, clock)
    return True


def _prepare(pk: int, clock: Clock) -> None:
    rows = ProjectTrigger.objects.unscoped(reason=_EVERY_SPACE).filter(pk=pk)
    trigger = rows.select_related("project", "space").first()
    if trigger is not None:
        prepare(trigger, clock)


def _claim(pk: int, planned: datetime, clock: Clock) -> ProjectTrigger | None:
    """Move the trigger to its next time; None when somebody else has, or it was changed."""
    rows = ProjectTrigger.objects.unscoped(reason=_EVERY_SPACE)
    rows = rows.filter(pk=pk, next_run=planned, is_disabled=False)
    trigger = rows.select_related("project", "space").first()
    if trigger is None:
        return None
    table = timetable_of(trigger.filter)
    # From now on, not from the planned time: what was missed meanwhile counts as one run.
    upcoming = next_run(table.schedule, table.zone, clock())
    return trigger if rows.update(next_run=upcoming, last_run=clock()) else None


def _pass_over(pk: int, planned: datetime, error: Exception, clock: Clock) -> bool:
    with transaction.atomic():
        trigger = _claim(pk, planned, clock)
        if trigger is None:
            return False
        reason = (
            f"It failed in the server ({type(error).__name__}); the server's log has the error."
        )
        decision = Decision(Outcome.REFUSED, _cause(planned, clock()), reason)
        log_decision(trigger.project, decision, trigger=trigger, clock=clock)
    return True


def _cause(planned: datetime, now: datetime) -> str:
    text = f"Planned for {planned:%Y-%m-%d %H:%M:%S} UTC"
    late = now - planned
    if late < _LATE:
        return text
    return f"{text}, made up for once {round(late.total_seconds() / 60)} minutes later"

"""The form of a schedule."""

from collections.abc import Mapping
from typing import Any, Final

from django.http import QueryDict

from deployments.projects.models import Project
from deployments.projects.triggers import filters
from deployments.projects.triggers.actions import ACTIONS_OF
from deployments.projects.triggers.schedules import DAYS
from deployments.projects.triggers.walltime import zone_names
from deployments.projects.web.triggers.action_fields import action_sent, action_shown

_SCHEDULES: Final = (
    (filters.ONCE_DAILY, "Once a day"),
    (filters.CONTINUOUS, "At intervals"),
    ("DateOfMonth", "On a date of the month"),
    ("DayOfMonth", "On a weekday of the month"),
    (filters.CRON, "By a cron expression"),
)
_NUMBERS: Final = (("1", "First"), ("2", "Second"), ("3", "Third"), ("4", "Fourth"), ("L", "Last"))
_POSSIBLE: Final = ACTIONS_OF[filters.ONCE_DAILY]
_DAY: Final = "2000-01-01T"


def schedule_sent(sent: QueryDict) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return filter and action of the form."""
    choice = sent.get("schedule", filters.ONCE_DAILY)
    by_month = choice in {"DateOfMonth", "DayOfMonth"}
    is_hourly = sent.get("unit") != "minutes"
    sent_filter = {
        "FilterType": filters.MONTHLY if by_month else choice,
        "MonthlyScheduleType": choice,
        "StartTime": f"{_DAY}{sent.get('at', '')}",
        "DaysOfWeek": sent.getlist("days"),
        "Interval": "OnceHourly" if is_hourly else "OnceEveryMinute",
        "HourInterval" if is_hourly else "MinuteInterval": sent.get("every", ""),
        "RunAfter": f"{_DAY}{sent.get('after', '')}",
        "RunUntil": f"{_DAY}{sent.get('until', '')}",
        "DateOfMonth": sent.get("date", ""),
        "DayNumberOfMonth": sent.get("number", ""),
        "DayOfWeek": sent.get("weekday", ""),
        "CronExpression": sent.get("cron", ""),
        "Timezone": sent.get("zone", ""),
    }
    return sent_filter, action_sent(sent, _POSSIBLE)


def schedule_shown(
    project: Project, shown: Mapping[str, Any], action: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what the form shows."""
    kind = shown.get("FilterType") or filters.ONCE_DAILY
    is_hourly = shown.get("Interval") != "OnceEveryMinute"
    every = shown.get("HourInterval" if is_hourly else "MinuteInterval")
    return {
        "schedules": _SCHEDULES,
        "schedule": _choice_of(kind, shown),
        "zones": zone_names(),
        "zone": shown.get("Timezone") or "UTC",
        "week": DAYS,
        "days": shown.get("DaysOfWeek", DAYS),
        "at": _clock(shown, "StartTime", "03:00"),
        "every": every or "1",
        "unit": "hours" if is_hourly else "minutes",
        "after": _clock(shown, "RunAfter", "00:00"),
        "until": _clock(shown, "RunUntil", "23:59"),
        "date": shown.get("DateOfMonth") or "1",
        "numbers": _NUMBERS,
        "number": shown.get("DayNumberOfMonth") or "1",
        "weekday": shown.get("DayOfWeek") or DAYS[0],
        "cron": shown.get("CronExpression") or "",
        **action_shown(project, action, _POSSIBLE),
    }


def _choice_of(kind: str, shown: Mapping[str, Any]) -> str:
    """Return the choice of the form that means what the document says."""
    if kind == filters.MONTHLY:
        return str(shown["MonthlyScheduleType"])
    if kind not in filters.OLDER:
        return kind
    once = shown.get("Interval", "OnceDaily") == "OnceDaily"
    return filters.ONCE_DAILY if once else filters.CONTINUOUS


def _clock(shown: Mapping[str, Any], name: str, default: str) -> str:
    """Return the time of day in a moment of the wire, as browsers write it."""
    text = str(shown.get(name) or "").partition("T")[2]
    return (
        text.removesuffix(".000Z").removesuffix(":00") if text.count(":") > 1 else text or default
    )

"""What sets a trigger off: documents of the wire, checked, and their typed views; pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from typing import Any, Final

from deployments.audit.categories import GROUPS
from deployments.base.errors import Invalid
from deployments.base.numbers import whole_number
from deployments.projects.triggers.cron import WrongCron, require_cron
from deployments.projects.triggers.git_filter import GIT, checked_git_filter
from deployments.projects.triggers.project_filter import PROJECT, checked_project_filter
from deployments.projects.triggers.reading import MOST_ENTRIES, texts_of, wrong
from deployments.projects.triggers.schedules import (
    DAYS,
    EVERY_DAY,
    Continuous,
    Cron,
    Daily,
    OnDate,
    OnWeekday,
    Schedule,
)
from deployments.projects.triggers.walltime import UnknownZone, zone_of

MACHINE: Final = "MachineFilter"
ALL_ARRIVED: Final = "ArcFeedFilter"
ANY_NEW: Final = "FeedFilter"
FEEDS: Final = (ALL_ARRIVED, ANY_NEW)
ONCE_DAILY: Final = "OnceDailySchedule"
CONTINUOUS: Final = "ContinuousDailySchedule"
MONTHLY: Final = "DaysPerMonthSchedule"
CRON: Final = "CronExpressionSchedule"
OLDER: Final = ("DailySchedule", "DaysPerWeekSchedule")
SCHEDULES: Final = (ONCE_DAILY, CONTINUOUS, MONTHLY, CRON, *OLDER)
FILTERS: Final = (MACHINE, *SCHEDULES, *FEEDS, PROJECT, GIT)

_TIME: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?"
)
_DATES: Final = range(1, 32)
_LAST: Final = "L"
# What a trigger may wait for: what happens to deployment targets.
MACHINE_CATEGORIES: Final = GROUPS["Machine"]
MACHINE_GROUPS: Final = tuple(name for name in GROUPS if name.startswith("Machine"))


@dataclass(frozen=True, slots=True)
class MachineFilter:
    """Which events of which targets count; an empty part admits all."""

    categories: frozenset[str]
    environments: frozenset[str]
    roles: frozenset[str]

    def takes(self, category: str, environment: str, roles: list[str]) -> bool:
        """Whether an event of a target in the environment, with these roles, counts."""
        if category not in self.categories:
            return False
        if self.environments and environment not in self.environments:
            return False
        return not self.roles or any(role.lower() in self.roles for role in roles)


@dataclass(frozen=True, slots=True)
class Timetable:
    """A schedule in its zone."""

    schedule: Schedule
    zone: tzinfo
    zone_name: str


def checked_filter(document: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return the filter as it is kept. Raises Invalid."""
    kind = str(document.get("FilterType") or "")
    if kind == MACHINE:
        return {"FilterType": kind, **_machine(document)}
    if kind in FEEDS:
        return {"FilterType": kind, "Packages": _packages(document)}
    if kind == PROJECT:
        return {"FilterType": kind, **checked_project_filter(document)}
    if kind == GIT:
        return {"FilterType": kind, **checked_git_filter(document)}
    if kind in SCHEDULES:
        kept = {"FilterType": kind, **_KEPT_BY_KIND[kind](document)}
        table = timetable_of(kept)
        if isinstance(table.schedule, Cron):
            try:
                require_cron(table.schedule.expression, now.astimezone(table.zone))
            except WrongCron as error:
                raise wrong("CronExpression", str(error)) from error
        return kept
    raise Invalid(fields={"Filter": [f"'{kind}' is not one of {', '.join(FILTERS)}."]})


def machine_filter_of(document: Mapping[str, Any]) -> MachineFilter:
    """Read a stored filter of machine events."""
    categories = set(document["EventCategories"])
    for group in document["EventGroups"]:
        categories |= set(GROUPS.get(group, ()))
    return MachineFilter(
        categories=frozenset(categories or MACHINE_CATEGORIES),
        environments=frozenset(document["EnvironmentIds"]),
        roles=frozenset(role.lower() for role in document["Roles"]),
    )


def timetable_of(document: Mapping[str, Any]) -> Timetable:
    """Read a stored schedule. Raises Invalid."""
    name = str(document.get("Timezone") or "UTC")
    try:
        zone = zone_of(name)
    except UnknownZone as error:
        raise wrong("Timezone", str(error)) from error
    return Timetable(_schedule(document), zone, name)


def clock_of(text: object, field: str = "StartTime") -> time:
    """Return the time of day in a moment of the wire; it is wall time, whatever zone is written."""
    found = _TIME.fullmatch(str(text or "").strip())
    if found is not None:
        try:
            return time.fromisoformat(found.group(2))
        except ValueError:
            pass
    raise wrong(field, f"{field} needs a time of day, such as 2026-01-01T09:00:00.000Z.")


def _schedule(document: Mapping[str, Any]) -> Schedule:
    kind = document["FilterType"]
    if kind == CRON:
        return Cron(document["CronExpression"])
    if kind == CONTINUOUS:
        return Continuous(
            every=_interval(document),
            after=clock_of(document["RunAfter"], "RunAfter"),
            until=clock_of(document["RunUntil"], "RunUntil"),
            days=_day_numbers(document["DaysOfWeek"]),
        )
    at = clock_of(document["StartTime"])
    if kind == MONTHLY:
        return _monthly(document, at)
    days = _day_numbers(document["DaysOfWeek"])
    if document.get("Interval", "OnceDaily") == "OnceDaily":
        return Daily(at, days)
    return Continuous(every=_interval(document), after=at, days=days)


def _monthly(document: Mapping[str, Any], at: time) -> Schedule:
    if document["MonthlyScheduleType"] == "DateOfMonth":
        return OnDate(at, _number(document["DateOfMonth"], _DATES, "DateOfMonth"))
    number = _number(document["DayNumberOfMonth"], range(1, 5), "DayNumberOfMonth")
    return OnWeekday(at, number, _day_number(document["DayOfWeek"], "DayOfWeek"))


def _interval(document: Mapping[str, Any]) -> timedelta:
    kind = document["Interval"]
    if kind == "OnceHourly":
        return timedelta(hours=_number(document["HourInterval"], range(1, 24), "HourInterval"))
    if kind == "OnceEveryMinute":
        limits = range(1, 24 * 60)
        return timedelta(minutes=_number(document["MinuteInterval"], limits, "MinuteInterval"))
    raise wrong("Interval", f"'{kind}' is neither OnceHourly nor OnceEveryMinute.")


def _number(value: object, limits: range, field: str) -> int:
    text = str(value or "").strip()
    if text.upper() == _LAST and field in {"DateOfMonth", "DayNumberOfMonth"}:
        return 0
    number = whole_number(text)
    if number is not None and number in limits:
        return number
    raise wrong(field, f"'{text}' is no number from {limits[0]} to {limits[-1]}.")


def _count(value: object) -> object:
    """Return a number, as clients expect, where a text says one; judging it comes later."""
    number = whole_number(str(value or "").strip())
    return value if number is None else number


def _day_numbers(days: list[str]) -> frozenset[int]:
    return frozenset(_day_number(day, "DaysOfWeek") for day in days) or EVERY_DAY


def _day_number(day: object, field: str) -> int:
    text = str(day or "").strip().capitalize()
    if text not in DAYS:
        raise wrong(field, f"'{day}' is no day of the week.")
    return DAYS.index(text)


def _machine(document: Mapping[str, Any]) -> dict[str, Any]:
    kept = {
        name: texts_of(document, name)
        for name in ("EnvironmentIds", "Roles", "EventGroups", "EventCategories")
    }
    for name, known in (("EventGroups", MACHINE_GROUPS), ("EventCategories", MACHINE_CATEGORIES)):
        unknown = [text for text in kept[name] if text not in known]
        if unknown:
            raise wrong(name, f"'{unknown[0]}' is not one of {', '.join(known)}.")
    return kept


def _packages(document: Mapping[str, Any]) -> list[dict[str, str]]:
    entries = document.get("Packages") or []
    if not isinstance(entries, list) or not all(isinstance(each, Mapping) for each in entries):
        raise wrong("Packages", "A list of packages is expected.")
    if not entries or len(entries) > MOST_ENTRIES:
        raise wrong("Packages", "Choose at least one package.")
    return [
        {
            "DeploymentAction": str(each.get("DeploymentAction") or ""),
            "PackageReference": str(each.get("PackageReference") or ""),
        }
        for each in entries
    ]


def _once_daily(document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "StartTime": _start(document, "StartTime"),
        "DaysOfWeek": _named_days(document),
        **_zone(document),
    }


def _continuous(document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "Interval": document.get("Interval") or "OnceHourly",
        "HourInterval": _count(document.get("HourInterval")),
        "MinuteInterval": _count(document.get("MinuteInterval")),
        "RunAfter": _start(document, "RunAfter", "2000-01-01T00:00:00"),
        "RunUntil": _start(document, "RunUntil", "2000-01-01T23:59:00"),
        "DaysOfWeek": _named_days(document),
        **_zone(document),
    }


def _by_month(document: Mapping[str, Any]) -> dict[str, Any]:
    kind = document.get("MonthlyScheduleType") or "DateOfMonth"
    if kind not in {"DateOfMonth", "DayOfMonth"}:
        raise wrong("MonthlyScheduleType", f"'{kind}' is neither DateOfMonth nor DayOfMonth.")
    by_date = kind == "DateOfMonth"
    return {
        "StartTime": _start(document, "StartTime"),
        "MonthlyScheduleType": kind,
        "DateOfMonth": str(document.get("DateOfMonth") or "") if by_date else None,
        "DayNumberOfMonth": None if by_date else str(document.get("DayNumberOfMonth") or ""),
        "DayOfWeek": None if by_date else document.get("DayOfWeek"),
        **_zone(document),
    }


def _cron(document: Mapping[str, Any]) -> dict[str, Any]:
    expression = str(document.get("CronExpression") or "").strip()
    return {"CronExpression": expression, **_zone(document)}


def _old_daily(document: Mapping[str, Any]) -> dict[str, Any]:
    named = [day for day in DAYS if document.get(day) is True]
    return {
        "StartTime": _start(document, "StartTime"),
        "Interval": document.get("Interval") or "OnceDaily",
        "HourInterval": _count(document.get("HourInterval")),
        "MinuteInterval": _count(document.get("MinuteInterval")),
        "DaysOfWeek": named or _named_days(document),
        **_zone(document),
    }


_KEPT_BY_KIND: Final = {
    ONCE_DAILY: _once_daily,
    CONTINUOUS: _continuous,
    MONTHLY: _by_month,
    CRON: _cron,
    **dict.fromkeys(OLDER, _old_daily),
}


def _start(document: Mapping[str, Any], field: str, default: str = "") -> str:
    """Return a moment with its date, which clients compare, and its time of day."""
    text = str(document.get(field) or default).strip()
    at = clock_of(text, field)
    return f"{text[:10]}T{at.isoformat()}.000Z"


def _named_days(document: Mapping[str, Any]) -> list[str]:
    days = [DAYS[_day_number(day, "DaysOfWeek")] for day in texts_of(document, "DaysOfWeek")]
    if not days and document.get("DaysOfWeek") is not None:
        raise wrong("DaysOfWeek", "Choose at least one day.")
    return days or list(DAYS)


def _zone(document: Mapping[str, Any]) -> dict[str, str]:
    return {"Timezone": str(document.get("Timezone") or "UTC")}

"""The form of a deployment freeze: what it shows and what was sent."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.http import QueryDict

from deployments.access.web.pages import PageRequest
from deployments.base.errors import Invalid
from deployments.releases.freezes.documents import checked_zone
from deployments.releases.freezes.holding import schedule_of
from deployments.releases.models import DeploymentFreeze
from deployments.releases.services.freezes import FreezeInput
from deployments.releases.web.freezes.places import sent_places


def read_form(request: PageRequest, row: DeploymentFreeze | None) -> FreezeInput:
    """Read the form; raises Invalid."""
    sent = request.POST
    zone = checked_zone(sent.get("time_zone", ""))
    return FreezeInput(
        name=sent.get("name", ""),
        start=_moment(sent, "start", zone),
        end=_moment(sent, "end", zone),
        time_zone=zone,
        recurrence=_recurrence(sent, zone),
        places=sent_places(request, row),
        owner=row.owner if row else None,
    )


def _recurrence(sent: QueryDict, zone: str) -> dict[str, Any] | None:
    if not sent.get("type"):
        return None
    ends = sent.get("ends", "Never")
    by_weekday = sent.get("monthly") == "DayOfMonth"
    document: dict[str, Any] = {
        "Type": sent.get("type"),
        "Unit": sent.get("unit"),
        "DaysOfWeek": sent.getlist("weekday"),
        "MonthlyScheduleType": "DayOfMonth" if by_weekday else "DateOfMonth",
        "DateOfMonth": sent.get("date_of_month"),
        "DayNumberOfMonth": sent.get("day_number"),
        "DayOfWeek": sent.get("day_of_week"),
        "EndType": ends,
        "EndAfterOccurrences": sent.get("end_after"),
    }
    if ends == "OnDate":
        document["EndOnDate"] = _moment(sent, "end_on", zone).isoformat()
    return document


def _moment(sent: QueryDict, name: str, zone: str) -> datetime:
    try:
        wall = datetime.fromisoformat(sent.get(name, ""))
    except ValueError:
        field = {"start": "Start", "end": "End"}.get(name, "RecurringSchedule")
        raise Invalid(fields={field: ["Give a date and a time."]}) from None
    return wall.replace(tzinfo=ZoneInfo(zone))


def blank() -> dict[str, Any]:
    """Return the values of a new freeze."""
    return {
        "time_zone": "UTC",
        "unit": 1,
        "ends": "Never",
        "monthly": "DateOfMonth",
        "day_number": "1",
        "day_of_week": "Monday",
        "weekdays": [],
    }


def stored(row: DeploymentFreeze) -> dict[str, Any]:
    """Return the values of a freeze, its times in its own zone."""
    zone = ZoneInfo(row.time_zone)
    document: dict[str, Any] = row.recurrence or {}
    recurrence = schedule_of(row).recurrence
    return blank() | {
        "name": row.name,
        "start": f"{row.start.astimezone(zone):%Y-%m-%dT%H:%M}",
        "end": f"{row.end.astimezone(zone):%Y-%m-%dT%H:%M}",
        "time_zone": row.time_zone,
        "type": document.get("Type", ""),
        "unit": document.get("Unit", 1),
        "weekdays": document.get("DaysOfWeek") or [],
        "monthly": document.get("MonthlyScheduleType", "DateOfMonth"),
        "date_of_month": document.get("DateOfMonth", ""),
        "day_number": document.get("DayNumberOfMonth", "1"),
        "day_of_week": document.get("DayOfWeek", "Monday"),
        "ends": document.get("EndType", "Never"),
        "end_after": document.get("EndAfterOccurrences") or "",
        "end_on": (
            f"{recurrence.end_on.astimezone(zone):%Y-%m-%dT%H:%M}"
            if recurrence and recurrence.end_on
            else ""
        ),
    }


def as_sent(sent: QueryDict) -> dict[str, Any]:
    """Return the values as they were sent."""
    return {**sent.dict(), "weekdays": sent.getlist("weekday")}

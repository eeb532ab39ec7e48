"""The recurrence of a freeze in the form of the wire, checked; this form is stored."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import available_timezones

from deployments.base.api.dates import from_wire, to_wire
from deployments.base.errors import Invalid
from deployments.base.numbers import whole_number
from deployments.releases.freezes.schedule import LAST, Recurrence

TYPES: Final = ("Daily", "Weekly", "Monthly", "Annually")
END_TYPES: Final = ("Never", "OnDate", "AfterOccurrences")
MONTHLY_TYPES: Final = ("DateOfMonth", "DayOfMonth")
WEEKDAYS: Final = (
    *("Monday", "Tuesday", "Wednesday", "Thursday"),
    *("Friday", "Saturday", "Sunday"),
)
DAY_NUMBERS: Final = ("1", "2", "3", "4", LAST)
_MOST_UNITS: Final = 1000
_MOST_OCCURRENCES: Final = 10_000
_FIELD: Final = "RecurringSchedule"


def recurrence_of(document: Mapping[str, Any] | None) -> Recurrence | None:
    """Read the document; raises Invalid for what is no recurrence."""
    if not document:
        return None
    kind = _choice(document, "Type", TYPES)
    end_type = _choice(document, "EndType", END_TYPES, "Never")
    is_weekly, is_monthly = kind == "Weekly", kind == "Monthly"
    by_weekday = (
        is_monthly
        and _choice(document, "MonthlyScheduleType", MONTHLY_TYPES, "DateOfMonth") == "DayOfMonth"
    )
    return Recurrence(
        type=kind,
        unit=_number(document, "Unit", 1, _MOST_UNITS),
        days_of_week=_weekdays(document.get("DaysOfWeek")) if is_weekly else (),
        date_of_month=_date_of_month(document) if is_monthly and not by_weekday else "",
        day_number=_choice(document, "DayNumberOfMonth", DAY_NUMBERS) if by_weekday else "",
        day_of_week=(WEEKDAYS.index(_choice(document, "DayOfWeek", WEEKDAYS)) if by_weekday else 0),
        end_on=_end_on(document) if end_type == "OnDate" else None,
        end_after=(
            _number(document, "EndAfterOccurrences", None, _MOST_OCCURRENCES)
            if end_type == "AfterOccurrences"
            else 0
        ),
    )


def recurrence_document(recurrence: Recurrence | None) -> dict[str, Any] | None:
    """Write the document that recurrence_of reads."""
    if recurrence is None:
        return None
    end_type = (
        "OnDate" if recurrence.end_on else "AfterOccurrences" if recurrence.end_after else "Never"
    )
    document: dict[str, Any] = {
        "Type": recurrence.type,
        "Unit": recurrence.unit,
        "EndType": end_type,
        "EndOnDate": to_wire(recurrence.end_on),
        "EndAfterOccurrences": recurrence.end_after or None,
    }
    if recurrence.type == "Weekly":
        document["DaysOfWeek"] = [WEEKDAYS[day] for day in recurrence.days_of_week]
    if recurrence.type == "Monthly" and recurrence.day_number:
        document |= {
            "MonthlyScheduleType": "DayOfMonth",
            "DayNumberOfMonth": recurrence.day_number,
            "DayOfWeek": WEEKDAYS[recurrence.day_of_week],
        }
    elif recurrence.type == "Monthly":
        document |= {
            "MonthlyScheduleType": "DateOfMonth",
            "DateOfMonth": recurrence.date_of_month,
        }
    return document


def checked_zone(name: str) -> str:
    """Return the name of a time zone, UTC for none; raises Invalid for an unknown one."""
    wanted = name.strip() or "UTC"
    if wanted not in available_timezones():
        raise Invalid(fields={"TimeZone": [f"There is no time zone '{wanted}'."]})
    return wanted


def _choice(
    document: Mapping[str, Any], name: str, known: tuple[str, ...], default: str = ""
) -> str:
    wanted = str(document.get(name) or default).strip().lower()
    for value in known:
        if value.lower() == wanted:
            return value
    raise _wrong(f"{name} must be one of {', '.join(known)}.")


def _number(document: Mapping[str, Any], name: str, default: int | None, most: int) -> int:
    value = document.get(name)
    text = str(default if value in {None, ""} and default is not None else value).strip()
    number = whole_number(text)
    if number is None or not 0 < number <= most:
        raise _wrong(f"{name} must be a number from 1 to {most}.")
    return number


def _weekdays(sent: Any) -> tuple[int, ...]:
    if sent is not None and not isinstance(sent, list | tuple):
        raise _wrong("DaysOfWeek must be a list of days.")
    found = {_choice({"DaysOfWeek": day}, "DaysOfWeek", WEEKDAYS) for day in sent or ()}
    return tuple(sorted(WEEKDAYS.index(day) for day in found))


def _date_of_month(document: Mapping[str, Any]) -> str:
    text = str(document.get("DateOfMonth") or "").strip().upper()
    if text and text != LAST:
        return str(_number(document, "DateOfMonth", None, 31))
    return text


def _end_on(document: Mapping[str, Any]) -> datetime:
    if not document.get("EndOnDate"):
        raise _wrong("EndOnDate is required.")
    return from_wire(str(document["EndOnDate"]), field="EndOnDate")


def _wrong(text: str) -> Invalid:
    return Invalid(fields={_FIELD: [text]})

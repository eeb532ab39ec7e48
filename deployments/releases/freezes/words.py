"""A recurrence in words."""

from deployments.releases.freezes.documents import WEEKDAYS
from deployments.releases.freezes.schedule import LAST, Recurrence, Schedule

_UNITS = {"Daily": "day", "Weekly": "week", "Monthly": "month", "Annually": "year"}
_NUMBERS = {"1": "first", "2": "second", "3": "third", "4": "fourth", LAST: "last"}


def recurrence_words(schedule: Schedule) -> str:
    """Say how often, on which days and how long, such as `Every 2 weeks on Friday, 3 times`."""
    recurrence = schedule.recurrence
    if recurrence is None:
        return "Once"
    unit = _UNITS[recurrence.type]
    words = f"Every {unit}" if recurrence.unit == 1 else f"Every {recurrence.unit} {unit}s"
    words += _days(recurrence)
    if recurrence.end_on:
        words += f", until {recurrence.end_on:%Y-%m-%d}"
    elif recurrence.end_after:
        words += f", {recurrence.end_after} times"
    return words


def _days(recurrence: Recurrence) -> str:
    if recurrence.days_of_week:
        return f" on {', '.join(WEEKDAYS[day] for day in recurrence.days_of_week)}"
    if recurrence.day_number:
        return f" on the {_NUMBERS[recurrence.day_number]} {WEEKDAYS[recurrence.day_of_week]}"
    if recurrence.date_of_month == LAST:
        return " on the last day"
    return f" on day {recurrence.date_of_month}" if recurrence.date_of_month else ""

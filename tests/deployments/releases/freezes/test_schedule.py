"""When freezes hold: windows, time zones and recurrence against the tables of cases."""

from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import pytest

from deployments.base.errors import Invalid
from deployments.releases.freezes.documents import (
    checked_zone,
    recurrence_document,
    recurrence_of,
)
from deployments.releases.freezes.schedule import Schedule, next_window, window_at, windows
from deployments.releases.freezes.words import recurrence_words
from tests.support.cases import case_name, cases


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def schedule_of(case: dict[str, Any]) -> Schedule:
    recurrence = recurrence_of(case.get("again"))
    zone = case.get("zone", "UTC")
    return Schedule(moment(case["start"]), moment(case["end"]), zone, recurrence)


@pytest.mark.parametrize("case", cases("freezes", "windows"), ids=case_name)
def test_windows(case: dict[str, Any]) -> None:
    schedule, expected = schedule_of(case), case["windows"]
    found = list(islice(windows(schedule, after=moment(case["after"])), len(expected)))
    assert [(each.start, each.end) for each in found] == [
        (moment(start), moment(end)) for start, end in expected
    ]
    assert [text for text in case["held"] if window_at(schedule, moment(text)) is None] == []
    assert [text for text in case["free"] if window_at(schedule, moment(text))] == []
    if "again" not in case or case.get("ends"):
        assert next_window(schedule, found[-1].start) is None


@pytest.mark.parametrize("case", cases("freezes", "windows"), ids=case_name)
def test_the_form_of_the_wire_keeps_a_recurrence(case: dict[str, Any]) -> None:
    recurrence = recurrence_of(case.get("again"))
    assert recurrence_of(recurrence_document(recurrence)) == recurrence


@pytest.mark.parametrize("case", cases("freezes", "recurrences"), ids=case_name)
def test_what_is_no_recurrence(case: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match=case["error"]):
        recurrence_of(case["again"])


def test_a_recurrence_that_never_fits_comes_to_an_end() -> None:
    again = {"Type": "Monthly", "Unit": 12, "DateOfMonth": "30"}
    start = moment("2026-02-10T00:00+00:00")
    schedule = Schedule(start, start + timedelta(hours=1), "UTC", recurrence_of(again))
    assert next_window(schedule, start) is None


def test_time_zones() -> None:
    assert (checked_zone(" Europe/Vienna "), checked_zone("")) == ("Europe/Vienna", "UTC")
    with pytest.raises(Invalid, match="no time zone 'Mars/Base'"):
        checked_zone("Mars/Base")


@pytest.mark.parametrize(
    ("again", "words"),
    [
        (None, "Once"),
        ({"Type": "Daily", "Unit": 3}, "Every 3 days"),
        ({"Type": "Weekly", "DaysOfWeek": ["Friday"]}, "Every week on Friday"),
        ({"Type": "Monthly", "DateOfMonth": "L"}, "Every month on the last day"),
        (
            {
                "Type": "Monthly",
                "MonthlyScheduleType": "DayOfMonth",
                "DayNumberOfMonth": "L",
                "DayOfWeek": "Friday",
                "EndType": "AfterOccurrences",
                "EndAfterOccurrences": 3,
            },
            "Every month on the last Friday, 3 times",
        ),
        (
            {"Type": "Annually", "EndType": "OnDate", "EndOnDate": "2030-01-01"},
            "Every year, until 2030-01-01",
        ),
    ],
)
def test_words(again: dict[str, Any] | None, words: str) -> None:
    start = moment("2026-02-10T00:00+00:00")
    assert recurrence_words(Schedule(start, start, "UTC", recurrence_of(again))) == words

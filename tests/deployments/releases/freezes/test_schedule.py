"""When freezes hold: windows, time zones and recurrence against the tables of cases."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.base.errors import Invalid
from deployments.releases.freezes.documents import (
    checked_zone,
    recurrence_document,
    recurrence_of,
)
from deployments.releases.freezes.schedule import (
    Recurrence,
    Schedule,
    next_window,
    window_at,
    windows,
)
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


@st.composite
def freezes(draw: st.DrawFn) -> Schedule:
    """Draw a freeze of some hours or days that comes again by days or weeks."""
    start = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(hours=draw(st.integers(0, 24 * 14)))
    recurrence = Recurrence(
        draw(st.sampled_from(["Daily", "Weekly"])),
        unit=draw(st.integers(1, 4)),
        days_of_week=tuple(sorted(draw(st.frozensets(st.integers(0, 6))))),
        end_after=draw(st.integers(0, 6)),
    )
    length = timedelta(hours=draw(st.integers(1, 80)))
    return Schedule(start, start + length, "UTC", draw(st.none() | st.just(recurrence)))


def starts_of(schedule: Schedule, days: int) -> list[datetime]:
    """Return the starts by looking at each day for itself."""
    again, first = schedule.recurrence, schedule.start
    found = [first]
    for number in range(1, days if again else 0):
        day = first + timedelta(days=number)
        if again is None:
            continue
        weeks = (number + first.weekday()) // 7
        is_day = day.weekday() in (again.days_of_week or (first.weekday(),))
        fits = {"Daily": number % again.unit == 0, "Weekly": is_day and weeks % again.unit == 0}
        if fits[again.type] and not (again.end_after and len(found) >= again.end_after):
            found.append(day)
    return found


@given(freezes(), st.integers(0, 24 * 40))
def test_freezes_hold_as_counting_days_says(schedule: Schedule, hours: int) -> None:
    moment = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=hours)
    length = schedule.end - schedule.start
    held = any(start <= moment < start + length for start in starts_of(schedule, 60))
    assert (window_at(schedule, moment) is not None) is held

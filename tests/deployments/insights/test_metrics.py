"""The metrics of deployments (projects.md 17)."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from deployments.insights.metrics import Ended, Metrics, Standing, by_week, measure
from tests.support.cases import case_name, cases

_START = datetime(2026, 6, 1, tzinfo=UTC)
_DEPLOYMENT = re.compile(
    r"(\d+) (\w+) (?:(?P<start>[\d.]+|never)-)?(\d+)( guided)?(?: at (\d+)(?:/(\d+))?)?"
    r"(?: due (?P<due>[\d.]+))?"
)


def hour(number: float) -> datetime:
    return _START + timedelta(hours=number)


def ended(text: str) -> Ended:
    """Read `release state [start-]end [guided] [at environment[/tenant]] [due hour]`."""
    found = _DEPLOYMENT.fullmatch(text)
    assert found is not None
    release, state, start, completed, guided, environment, tenant, due = found.groups()
    begun = None if start == "never" else hour(float(start or int(completed) - 0.5))
    return Ended(
        channel=1,
        environment=int(environment or 1),
        release=int(release),
        state=state,
        due=hour(float(due or int(completed) - 1)),
        started=begun,
        completed=hour(int(completed)),
        tenant=int(tenant or 0),
        needed_guidance=bool(guided),
    )


def hours(span: timedelta | None) -> float | None:
    return None if span is None else span / timedelta(hours=1)


def check(found: Metrics, case: dict[str, Any]) -> None:
    assert (found.succeeded, found.failed) == (case["succeeded"], case["failed"])
    assert found.failure_rate == pytest.approx(case["rate"], abs=0.05)
    assert hours(found.lead_time) == case["lead"]
    assert hours(found.time_to_recover) == case["recover"]
    assert hours(found.queue_time) == case.get("queue", hours(found.queue_time))


@pytest.mark.parametrize("case", cases("metrics", "deployments"), ids=case_name)
def test_metrics(case: dict[str, Any]) -> None:
    numbers = [number for number, _ in case["releases"]]
    made = [hour(moment) for _, moment in case["releases"]]
    standing = Standing({(1, 1, 0): case["reached"]} if "reached" in case else {})
    releases = {1: (numbers, made)}
    for period in case.get("before", ()):
        measure([ended(text) for text in period], releases, standing)
    check(measure([ended(text) for text in case["deployments"]], releases, standing), case)


def test_means_of_duration_and_queue_time_are_those_of_successes() -> None:
    found = measure([ended("1 Success 3"), ended("1 Failed 9")], {}, Standing())
    assert (hours(found.duration), hours(found.queue_time)) == (0.5, 0.5)
    assert found.lead_time is None


def test_weeks_begin_on_monday_and_empty_ones_are_there() -> None:
    rows = ["1 Success 1", "1 Failed 2", "1 Canceled 3", "1 Success 340"]
    found = measure([ended(text) for text in rows], {}, Standing())
    assert by_week(found, date(2026, 5, 29), date(2026, 6, 17)) == [
        (date(2026, 5, 25), 0, 0),
        (date(2026, 6, 1), 1, 1),
        (date(2026, 6, 8), 0, 0),
        (date(2026, 6, 15), 1, 0),
    ]

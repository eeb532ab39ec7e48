"""The metrics of deployments (projects.md 17)."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from deployments.insights.metrics import (
    Ended,
    Metrics,
    Outcome,
    Spans,
    Standing,
    by_week,
    outcome_of,
    spans_of,
)
from tests.support.cases import case_name, cases

_START = datetime(2026, 6, 1, tzinfo=UTC)
_DEPLOYMENT = re.compile(
    r"(\d+) (\w+) (?:(?P<start>[\d.]+|never)-)?(\d+)( guided)?(?: at (\d+)(?:/(\d+))?)?"
    r"(?: due (?P<due>[\d.]+))?"
)


def hour(number: float) -> datetime:
    return _START + timedelta(hours=number)


@dataclass(frozen=True)
class Deployment:
    """One of a case: `release state [start-]end [guided] [at place[/tenant]] [due hour]`."""

    outcome: Outcome
    place: tuple[str, str]
    ended: Ended


def deployment(text: str) -> Deployment:
    found = _DEPLOYMENT.fullmatch(text)
    assert found is not None
    release, state, start, completed, guided, environment, tenant, due = found.groups()
    outcome = outcome_of(state, needed_guidance=bool(guided))
    ended = Ended(
        release=int(release),
        is_success=outcome is Outcome.SUCCEEDED,
        due=hour(float(due or int(completed) - 1)),
        started=None if start == "never" else hour(float(start or int(completed) - 0.5)),
        completed=hour(int(completed)),
    )
    return Deployment(outcome, (environment or "1", tenant or ""), ended)


def mean(spans: Iterable[timedelta | None]) -> float | None:
    hours = [span / timedelta(hours=1) for span in spans if span is not None]
    return sum(hours) / len(hours) if hours else None


@pytest.mark.parametrize("case", cases("metrics", "deployments"), ids=case_name)
def test_metrics(case: dict[str, Any]) -> None:
    def oldest_made(after: int, up_to: int) -> datetime | None:
        made = [hour(moment) for number, moment in case["releases"] if after < number <= up_to]
        return min(made, default=None)

    places: dict[tuple[str, str], Standing] = {("1", ""): Standing(case.get("reached", 0))}

    def spans(text: str) -> Spans:
        row = deployment(text)
        standing, ended = places.get(row.place, Standing()), row.ended
        if row.outcome is Outcome.NOT_COUNTED:
            return Spans()
        places[row.place] = standing.after(
            ended.release, ended.completed, is_success=ended.is_success
        )
        return spans_of(ended, standing, oldest_made)

    for earlier in case.get("before", ()):
        for text in earlier:
            spans(text)
    found = [spans(text) for text in case["deployments"]]
    outcomes = Counter(deployment(text).outcome for text in case["deployments"])
    metrics = Metrics(outcomes[Outcome.SUCCEEDED], outcomes[Outcome.FAILED])
    assert (metrics.succeeded, metrics.failed) == (case["succeeded"], case["failed"])
    assert metrics.failure_rate == pytest.approx(case["rate"], abs=0.05)
    assert mean(each.lead for each in found) == case["lead"]
    assert mean(each.recovery for each in found) == case["recover"]
    if "queue" in case:
        assert mean(each.queueing for each in found) == case["queue"]


def test_a_failure_has_no_duration() -> None:
    def no_release(after: int, up_to: int) -> None:
        assert (after, up_to) == (0, 1)

    def spans(text: str) -> Spans:
        return spans_of(deployment(text).ended, Standing(), no_release)

    half = timedelta(hours=0.5)
    assert spans("1 Success 3") == Spans(duration=half, queueing=half)
    assert spans("1 Failed 9") == Spans()


def test_weeks_begin_on_monday_and_empty_ones_are_there() -> None:
    counted = {date(2026, 6, 1): (1, 1), date(2026, 6, 15): (1, 0)}
    assert by_week(counted, date(2026, 5, 29), date(2026, 6, 17)) == [
        (date(2026, 5, 25), 0, 0),
        (date(2026, 6, 1), 1, 1),
        (date(2026, 6, 8), 0, 0),
        (date(2026, 6, 15), 1, 0),
    ]

"""When scheduled triggers run: the table of cases, and what is refused."""

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.base.errors import Invalid
from deployments.projects.triggers.filters import checked_filter, machine_filter_of, timetable_of
from deployments.projects.triggers.schedules import Daily, runs_after
from deployments.projects.triggers.walltime import zone_names, zone_of
from tests.support.cases import case_name, cases

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize("case", cases("schedules", "runs"), ids=case_name)
def test_runs(case: dict[str, Any]) -> None:
    kept = checked_filter(case["filter"], NOW)
    table = timetable_of(kept)
    found = islice(runs_after(table.schedule, table.zone, moment(case["after"])), len(case["runs"]))
    assert [f"{run:%Y-%m-%dT%H:%M:%SZ}" for run in found] == case["runs"]
    assert str(table.schedule)
    # What is kept means the same when it is sent again, as clients do.
    assert checked_filter(kept, NOW) == kept


@pytest.mark.parametrize("case", cases("schedules", "refused"), ids=case_name)
def test_refused(case: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as caught:
        checked_filter(case["filter"], NOW)
    assert list(caught.value.fields) == [case["field"]]


@given(
    at=st.times(),
    zone=st.sampled_from(zone_names()),
    days=st.integers(0, 13_000),
)
def test_a_daily_run_comes_once_a_day_everywhere(at: Any, zone: str, days: int) -> None:
    place = zone_of(zone)
    start = NOW - timedelta(days=9_000) + timedelta(days=days)
    runs = list(islice(runs_after(Daily(at.replace(microsecond=0)), place, start), 4))
    gaps = [later - earlier for earlier, later in pairwise(runs)]
    # A zone may leap over a whole day, where the date line moves.
    assert all(timedelta(hours=20) <= gap <= timedelta(hours=50) for gap in gaps), (zone, runs)
    assert runs == sorted(set(runs))


def test_a_filter_of_machines_takes_groups_and_categories_together() -> None:
    kept = checked_filter(
        {
            "FilterType": "MachineFilter",
            "EventGroups": ["MachineAvailableForDeployment"],
            "EventCategories": ["MachineDisabled"],
            "EnvironmentIds": ["Environments-1"],
            "Roles": ["Web"],
        },
        NOW,
    )
    read = machine_filter_of(kept)
    assert read.takes("MachineHealthy", "Environments-1", ["web"])
    assert read.takes("MachineDisabled", "Environments-1", ["web", "db"])
    assert not read.takes("MachineUnhealthy", "Environments-1", ["web"])
    assert not read.takes("MachineHealthy", "Environments-2", ["web"])
    assert not read.takes("MachineHealthy", "Environments-1", ["db"])

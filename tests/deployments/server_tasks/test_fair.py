"""Slots are shared among projects whose prioritised tasks wait; case files and properties."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.server_tasks.fair import Waiting, fair_order
from tests.support.cases import case_name, cases

WAITING = st.lists(
    st.builds(
        Waiting,
        task=st.integers(1, 1000),
        project=st.one_of(st.none(), st.integers(1, 4)),
        is_moved_to_top=st.booleans(),
        is_prioritized=st.booleans(),
    ),
    unique_by=lambda row: row.task,
)


@pytest.mark.parametrize("case", cases("queue", "fair"), ids=case_name)
def test_fair(case: dict[str, Any]) -> None:
    waiting = [
        Waiting(task, project, mark == "top", mark == "priority")
        for task, project, mark in case["waiting"]
    ]
    running: dict[int | None, int] = {
        int(project): number for project, number in case["running"].items()
    }
    assert fair_order(waiting, running, case["slots"]) == case["order"]


@given(WAITING, st.dictionaries(st.integers(1, 4), st.integers(0, 9)), st.integers(1, 9))
def test_nobody_is_lost_and_each_project_keeps_its_order(
    waiting: list[Waiting], running: dict[int | None, int], slots: int
) -> None:
    order = fair_order(waiting, running, slots)
    assert sorted(order) == sorted(row.task for row in waiting)
    by_task = {row.task: row for row in waiting}
    for project in {row.project for row in waiting}:
        for mark in (True, False):
            mine = [
                row.task
                for row in waiting
                if row.project == project and not row.is_moved_to_top and row.is_prioritized == mark
            ]
            found = [
                task
                for task in order
                if by_task[task].project == project
                and not by_task[task].is_moved_to_top
                and by_task[task].is_prioritized == mark
            ]
            assert found == mine

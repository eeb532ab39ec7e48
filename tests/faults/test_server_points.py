"""kill -9 of the server's processes at the lines where it would hurt most."""

import time
from pathlib import Path

import pytest

from agent.contracts import limits
from tests.faults.lab import Lab

# The process that comes by dies.
POINTS = {
    "tick.committed": "the worker, after its commit and before the wake-up",
    "tick.written": "the worker, between its writes and their commit",
    "tick.read": "the worker, while it holds the claim",
    "gateway.loaded": "the gateway, after it read a command and before it sends it",
    "gateway.sent": "the gateway, after it sent a command and before it stores the acceptance",
    "result.stored": "the gateway, while it stores a result",
    "result.committed": "the gateway, after a result's commit and before it acknowledges it",
}
# How long the server may need before everything goes on, and how long agents wait at most that it
# has left again and again.
_QUICKLY = 30.0 + limits.RECONNECT_MAX

# The ones of the short run: one of the worker, one of the gateway.
_SHORT = ("tick.written", "result.committed")


@pytest.mark.parametrize(
    "point",
    [
        pytest.param(point, marks=() if point in _SHORT else pytest.mark.thorough)
        for point in POINTS
    ],
)
def test_a_process_of_the_server_dies_at_a_point(point: str, lab: Lab, fault_rounds: int) -> None:
    for _ in range(fault_rounds):
        lab.arm(point)
        began = time.monotonic()
        deployment_id, task_id = lab.deploy()
        lab.wait_for_hit(point)
        lab.check(deployment_id, lab.wait_for_end(task_id))
        assert time.monotonic() - began < _QUICKLY + lab.projects["Print"].script.lasts


def test_points_do_nothing_unless_they_are_armed(lab: Lab) -> None:
    before = set(Path(lab.folder / "failpoints").iterdir())
    deployment_id, task_id = lab.deploy()
    lab.check(deployment_id, lab.wait_for_end(task_id))
    assert set(Path(lab.folder / "failpoints").iterdir()) == before

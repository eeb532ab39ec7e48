"""The line between agents and gateway cut, held, slowed down and starved while scripts run."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.faults.harness.forwarder import DOWN, UP, Direction, eventually
from tests.faults.harness.scripts import Script
from tests.faults.lab import Lab
from tests.support.processes import wait_until

# A half-open connection is found by both sides within this.
_FOUND = 22.0
# Longer than any lease, and than an agent may be silent before it counts as away.
_PARTITION = 90.0
# What each side says while a command lives, with the longest answer to it.
MESSAGES: list[tuple[Direction, str]] = [
    (UP, "hello"),
    (DOWN, "welcome"),
    (DOWN, "run"),
    (UP, "accepted"),
    (UP, "started"),
    (UP, "out"),
    (DOWN, "out_ack"),
    (UP, "finished"),
    (DOWN, "final_ack"),
]


def cut_at(lab: Lab, direction: Direction, kind: str, *, after: bool) -> None:
    """Deploy, and reset the connection on which the message passes."""
    lab.line.cut_at(direction, kind, after=after)
    if kind in {"hello", "welcome"}:
        lab.line.reset()
    deployment_id, task_id = lab.deploy()
    assert eventually(lambda: not lab.line.is_armed, 30), f"no {kind} has passed"
    lab.note_fault("RST at a message")
    lab.check(deployment_id, lab.wait_for_end(task_id))


def test_a_reset_at_some_message(lab: Lab, fault_random: random.Random) -> None:
    direction, kind = fault_random.choice(MESSAGES)
    cut_at(lab, direction, kind, after=fault_random.random() < 0.5)


@pytest.mark.thorough
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(("direction", "kind"), MESSAGES)
def test_a_reset_at_each_message(lab: Lab, direction: Direction, kind: str, after: bool) -> None:
    cut_at(lab, direction, kind, after=after)


@pytest.mark.thorough
@pytest.mark.parametrize("direction", [UP, DOWN])
def test_a_reset_after_some_bytes(
    lab: Lab, direction: Direction, fault_random: random.Random
) -> None:
    for _ in range(5):
        lab.line.cut_after(direction, fault_random.randrange(1, 4000))
        deployment_id, task_id = lab.deploy()
        assert eventually(lambda: not lab.line.is_armed, 30)
        lab.note_fault("RST after some bytes")
        lab.check(deployment_id, lab.wait_for_end(task_id))


@pytest.mark.thorough
@pytest.mark.parametrize("lost", [(UP, DOWN), (UP,), (DOWN,)])
def test_a_line_that_loses_what_is_said_is_given_up_and_replaced(
    lab: Lab, lost: tuple[Direction, ...]
) -> None:
    # New agents: faults before this one made the others' waits before a new connection longer.
    for machine in lab.machines:
        lab.kill_agent(machine)
        lab.start_agent(machine)
    wait_until(lab.all_connected, seconds=60, what="the new agents")
    lab.add_project("Long", Script(lines=200, pause=0.05))
    deployment_id, task_id = lab.deploy("Long")
    lab.wait_for_start(deployment_id)
    before = lab.line.opened
    lab.line.lose(*lost)
    lab.note_fault("half-open connection")
    began = time.monotonic()
    wait_until(
        lambda: lab.line.opened >= before + len(lab.machines),
        seconds=_FOUND,
        what="the next connections",
    )
    # Not at once either: it was found by silence, not by an error.
    assert 5 < time.monotonic() - began < _FOUND + 3
    lab.check(deployment_id, lab.wait_for_end(task_id), "Long")


@pytest.mark.thorough
def test_a_partition_does_not_hurt_a_script(lab: Lab) -> None:
    """Nor what is deployed meanwhile: it waits, and begins once the line is back."""
    lab.add_project("Long", Script(lines=200, pause=0.05))
    deployment_id, task_id = lab.deploy("Long")
    lab.wait_for_start(deployment_id)
    with lab.line.changed(is_refusing=True):
        lab.line.reset()
        lab.note_fault("partition")
        later_id, later_task = lab.deploy()
        wait_until(
            lambda: len(lab.notes(deployment_id, "end")) == len(lab.machines),
            seconds=60,
            what="the end of the scripts",
        )
        machines = lab.get("machines/all")
        assert {m["HealthStatus"] for m in machines} == {"Unavailable"}
        end = time.monotonic() + _PARTITION
        while time.monotonic() < end:
            assert lab.get(f"tasks/{task_id}")["State"] == "Executing"
            assert lab.get(f"tasks/{later_task}")["State"] in {"Queued", "Executing"}
            time.sleep(5)
    lab.check(deployment_id, lab.wait_for_end(task_id), "Long")
    lab.check(later_id, lab.wait_for_end(later_task))


@pytest.mark.thorough
def test_a_flapping_line(lab: Lab) -> None:
    lab.add_project("Long", Script(lines=200, pause=0.05))
    before = lab.line.opened
    made = [lab.deploy("Long")]
    end = time.monotonic() + 45
    while time.monotonic() < end:
        lab.line.reset()
        lab.note_fault("RST of all connections")
        time.sleep(3)
    for deployment_id, task_id in made:
        lab.check(deployment_id, lab.wait_for_end(task_id), "Long")
    # Two agents and the worker of the server itself; the delays grow.
    assert lab.line.opened - before <= 15 * 3


@contextmanager
def lossy(lab: Lab, chance: random.Random) -> Iterator[None]:
    """Lose one packet in twenty: TCP repeats it later, and all behind it waits as long."""
    is_over = threading.Event()

    def strike() -> None:
        while not is_over.wait(0.05):
            if chance.random() < 0.05:
                direction: Direction = chance.choice((UP, DOWN))
                lab.line.line.held = {direction}
                lab.note_fault("packet lost on a slow line")
                is_over.wait(0.2 * 2 ** chance.randrange(4))
                lab.line.line.held = set()

    thread = threading.Thread(target=strike)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


@pytest.mark.thorough
def test_a_slow_line_that_loses_packets(lab: Lab, fault_random: random.Random) -> None:
    lab.add_project("Wide", Script(lines=200, pause=0.0, width=300))
    with lab.line.changed(delay=0.8), lossy(lab, fault_random):
        for project in ("Print", "Wide", "Print", "Wide"):
            deployment_id, task_id = lab.deploy(project)
            lab.check(deployment_id, lab.wait_for_end(task_id), project)


@pytest.mark.thorough
def test_a_cancel_passes_a_narrow_line_full_of_log(lab: Lab) -> None:
    lab.add_project("Flood", Script(lines=4000, pause=0.0, width=500, seconds=60))
    with lab.line.changed(rate=32_000.0):
        lab.note_fault("narrow line")
        deployment_id, task_id = lab.deploy("Flood")
        lab.wait_for_start(deployment_id)
        time.sleep(3)
        pids = {note.pid for note in lab.notes(deployment_id)}
        lab.cancel(task_id)
        assert eventually(lambda: not any(_lives(pid) for pid in pids), 4)
    task = lab.wait_for_end(task_id)
    assert task["State"] == "Canceled"
    lab.check_promises(deployment_id, task, "Flood")


def _lives(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123 short
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.thorough
def test_a_proxy_that_closes_idle_connections_closes_none(lab: Lab) -> None:
    """Both sides ping every 10 s, which is shorter than any usual limit."""
    before = lab.line.opened
    with lab.line.changed(idle=15.0):
        lab.note_fault("idle limit")
        time.sleep(40)
        assert lab.line.opened == before
        deployment_id, task_id = lab.deploy()
        lab.check(deployment_id, lab.wait_for_end(task_id))
    assert lab.line.opened == before


@pytest.mark.thorough
def test_a_router_that_forgets_a_connection(lab: Lab) -> None:
    """The old connection stays half open; the new one of the same agent wins."""
    lab.add_project("Long", Script(lines=200, pause=0.05))
    deployment_id, task_id = lab.deploy("Long")
    lab.wait_for_start(deployment_id)
    lab.line.forget()
    lab.note_fault("forgotten connection")
    lab.check(deployment_id, lab.wait_for_end(task_id), "Long")


@pytest.mark.thorough
def test_a_line_on_which_large_frames_vanish(lab: Lab) -> None:
    lab.add_project("Wide", Script(lines=200, pause=0.0, width=300))
    with lab.line.changed(largest=8000):  # a command passes, its log does not
        deployment_id, task_id = lab.deploy("Wide")
        lab.wait_for_start(deployment_id, 60)
        lab.note_fault("large frames lost")
        time.sleep(12)
        assert lab.get(f"tasks/{task_id}")["State"] == "Executing"
    lab.check(deployment_id, lab.wait_for_end(task_id, 120), "Wide")

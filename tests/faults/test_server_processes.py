"""Processes of the server killed, stopped, ended and starved while deployments run."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.faults.harness.scripts import Script
from tests.faults.lab import Lab
from tests.support.processes import wait_until

# Longer than the worker's claim (10 s) and the gateway's patience with a silent agent (21 s).
_LONG = 25.0


def deployed(lab: Lab, count: int = 1) -> list[tuple[str, str]]:
    return [lab.deploy() for _ in range(count)]


def check_all(lab: Lab, made: list[tuple[str, str]], seconds: float = 90) -> None:
    for deployment_id, task_id in made:
        lab.check(deployment_id, lab.wait_for_end(task_id, seconds))


@contextmanager
def stopped(pids: list[int]) -> Iterator[None]:
    """Stop processes for the length of a block, as a machine under heavy load does."""
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@pytest.mark.thorough
def test_a_process_of_the_workers_pool_is_killed(lab: Lab, fault_random: random.Random) -> None:
    made = deployed(lab, 2)
    time.sleep(fault_random.uniform(0, 1))
    pool = lab.children_of("worker")
    assert pool
    os.kill(fault_random.choice(pool), signal.SIGKILL)
    lab.note_fault("kill -9 of a pool process")
    check_all(lab, made)


@pytest.mark.thorough
def test_beat_is_killed_while_wake_ups_are_lost(lab: Lab) -> None:
    made = deployed(lab, 2)
    for _ in range(3):
        lab.kill_server_process("beat")
        lab.flush_redis()
        time.sleep(0.5)
    check_all(lab, made)


@pytest.mark.thorough
def test_no_worker_runs_for_a_while(lab: Lab) -> None:
    made = deployed(lab, 2)
    end = time.monotonic() + 20
    while time.monotonic() < end:
        lab.kill_server_process("worker")
        time.sleep(0.5)
    check_all(lab, made, 120)


@pytest.mark.thorough
def test_redis_dies_with_tasks_queued_and_running(lab: Lab) -> None:
    made = deployed(lab, 12)
    lab.wait_for_start(made[0][0])
    lab.kill_server_process("redis")
    check_all(lab, made, 180)


@pytest.mark.thorough
def test_redis_does_not_answer_for_a_while(lab: Lab) -> None:
    with stopped(lab.server_pids("redis")):
        lab.note_fault("SIGSTOP of redis")
        made = deployed(lab)
        time.sleep(_LONG)
    check_all(lab, made)


@pytest.mark.thorough
def test_redis_refuses_writes_while_logs_stream(lab: Lab) -> None:
    made = deployed(lab)
    lab.wait_for_start(made[0][0])
    with lab.redis() as client:
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", "1")
        lab.note_fault("Redis without memory")
        made += deployed(lab)
        time.sleep(6)
        assert not any(lab.get(f"tasks/{task}")["State"] == "Failed" for _, task in made)
        client.config_set("maxmemory", "0")
    check_all(lab, made)


@pytest.mark.thorough
def test_redis_is_replaced_by_an_empty_one(lab: Lab) -> None:
    made = deployed(lab, 3)
    before = lab.server_pids("redis")
    with lab.redis() as client:
        client.shutdown(nosave=True)
    lab.note_fault("Redis replaced")
    wait_until(
        lambda: (pids := lab.server_pids("redis")) and pids != before,
        seconds=20,
        what="the new Redis",
    )
    check_all(lab, made)


@pytest.mark.thorough
def test_every_process_is_ended_in_turn(lab: Lab) -> None:
    made = deployed(lab, 6)
    for name in ("worker", "gateway", "web", "beat", "worker", "gateway"):
        for pid in lab.server_pids(name):
            os.kill(pid, signal.SIGTERM)
        lab.note_fault(f"SIGTERM of {name}")
        time.sleep(3)
        made.append(lab.patiently(lab.deploy))
    check_all(lab, made, 180)


def _worker(lab: Lab) -> list[int]:
    return lab.server_pids("worker") + lab.children_of("worker")


def _gateway(lab: Lab) -> list[int]:
    return lab.server_pids("gateway")


def _agent(lab: Lab) -> list[int]:
    return [lab.agents[lab.machines[0]].pid]


@pytest.mark.thorough
@pytest.mark.parametrize("pids_of", [_worker, _gateway, _agent])
def test_a_process_stands_still_longer_than_its_lease(
    pids_of: Callable[[Lab], list[int]], lab: Lab
) -> None:
    lab.add_project("Long", Script(lines=200, pause=0.05))
    deployment_id, task_id = lab.deploy("Long")
    lab.wait_for_start(deployment_id)
    with stopped(pids_of(lab)):
        lab.note_fault("SIGSTOP beyond the lease")
        time.sleep(_LONG)
    lab.check(deployment_id, lab.wait_for_end(task_id), "Long")


@pytest.mark.thorough
def test_a_worker_that_slept_through_its_claim_writes_nothing(lab: Lab) -> None:
    """Another worker takes the task over; the late one notices and gives way."""
    lab.arm("tick.read", "sleep:15")
    deployment_id, task_id = lab.deploy()
    lab.wait_for_hit("tick.read")
    lab.check(deployment_id, lab.wait_for_end(task_id))
    time.sleep(16)
    lab.check(deployment_id, lab.wait_for_end(task_id))


@pytest.mark.thorough
def test_the_web_process_dies_while_a_deployment_is_posted(lab: Lab) -> None:
    """The caller sees an error and looks: there is one deployment or none, and it runs well."""
    for delay in (0.0, 0.01, 0.03, 0.06, 0.1):
        before = {item["Id"] for item in lab.get("deployments?take=200")["Items"]}
        outcome = _post_and_kill(lab, delay)
        after = lab.get("deployments?take=200")["Items"]
        made = [item for item in after if item["Id"] not in before]
        assert len(made) <= 1
        assert outcome in {None, *(item["Id"] for item in made)}
        for item in made:
            lab.check(item["Id"], lab.wait_for_end(item["TaskId"]))


def _post_and_kill(lab: Lab, delay: float) -> str | None:
    pid = os.fork()
    if not pid:
        time.sleep(delay)
        for group in lab.server_pids("web"):
            os.killpg(group, signal.SIGKILL)
        os._exit(0)
    try:
        deployment_id: str | None = lab.deploy()[0]
    except OSError:
        deployment_id = None
    os.waitpid(pid, 0)
    lab.note_fault("kill -9 of web during a POST")
    return deployment_id


@pytest.mark.thorough
def test_the_server_restarts_while_a_cancel_runs(lab: Lab) -> None:
    lab.add_project("Stubborn", Script(lines=1, seconds=600))
    deployment_id, task_id = lab.deploy("Stubborn")
    lab.wait_for_start(deployment_id)
    lab.cancel(task_id)
    lab.kill_server_process("worker")
    lab.kill_server_process("gateway")
    task = lab.wait_for_end(task_id)
    assert task["State"] == "Canceled"
    lab.check_promises(deployment_id, task, "Stubborn")
    assert not lab.check_everything_at_rest()

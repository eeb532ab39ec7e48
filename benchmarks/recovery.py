"""Faults in the middle: how soon a deployment goes on, and whether results stay true."""

import os
import signal
import statistics
import sys
import time
from contextlib import suppress

from benchmarks.lab import Lab, LabFailed, open_lab, script_step
from benchmarks.results import Section

_AGENTS, _ROUNDS = 20, 5
_SHORT_AGENTS, _SHORT_ROUNDS = 2, 2
_KILLS, _SHORT_KILLS = 3, 1
_GOES_ON_S, _HALF_OPEN_S = 15.0, 22.0
# An agent that ends sooner after its start is started again later and later.
_STABLE_S = 6.0
# Each agent is restarted while its script waits; the code tells which script of which round it was.
_SCRIPT = """
name=$(get_octopusvariable Octopus.Machine.Name)
round=$(get_octopusvariable Round)
sleep 1.5
exit $(( (10#${name#target-} * 10 + round) % 200 + 20 ))
"""


def run(*, short: bool) -> Section:
    """Kill the worker, restart agents during their scripts, and let an agent fall silent."""
    section = Section()
    with open_lab() as lab:
        environment = lab.make_environment("Recovery")
        agents = _SHORT_AGENTS if short else _AGENTS
        lab.agents.grow(environment, [["recovery"]] * agents)
        _worker(lab, environment, section, _SHORT_KILLS if short else _KILLS)
        _agents(lab, environment, section, _SHORT_ROUNDS if short else _ROUNDS)
        _silence(lab, section)
    return section


def _worker(lab: Lab, environment: str, section: Section, kills: int) -> None:
    """Kill the worker while a step runs, so that what the step's end starts has no worker."""
    steps = [script_step(f"Step {n}", "sleep 1.5", role="recovery") for n in range(2)]
    release = lab.make_release("Worker", environment, steps)
    times = []
    for _ in range(kills):
        task = lab.queue(release, environment)
        _wait_until_running(task, step=1)
        # Just before the end of the step: the wake-up meets a worker that is gone or starting.
        time.sleep(1.2)
        lab.kill("worker")
        began = time.monotonic()
        _wait_until_running(task, step=2)
        times.append(time.monotonic() - began)
        if lab.wait(task, every=0.2)["State"] != "Success":
            raise LabFailed(f"{task} did not succeed after the worker was killed")
        print(f"  goes on after {times[-1]:.1f} s", file=sys.stderr)
        time.sleep(6)
    what = f"deployment goes on after kill -9 of the worker, worst of {kills}"
    section.add(what, max(times), "s", at_most=_GOES_ON_S)
    section.add("the same, median", statistics.median(times), "s")


def _agents(lab: Lab, environment: str, section: Section, rounds: int) -> None:
    step = script_step("Exit", _SCRIPT, role="recovery")
    right, total = 0, 0
    for number in range(rounds):
        _wait_until_connected(lab)
        time.sleep(_STABLE_S)
        variables = {"Round": str(number)}
        release = lab.make_release(f"Exit {number}", environment, [step], variables)
        task = lab.queue(release, environment)
        _wait_until_running(task, step=1, count=len(lab.agents.names))
        for pid in lab.agents.pids().values():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        lab.wait(task, every=0.2)
        codes = _exit_codes(task)
        for name in lab.agents.names:
            total += 1
            right += codes.get(name) == (int(name[-3:]) * 10 + number) % 200 + 20
        print(f"  {right} of {total} exit codes are true", file=sys.stderr)
    section.add(
        f"agent killed during a script: wrong exit codes of {total}", total - right, at_most=0.5
    )


def _silence(lab: Lab, section: Section) -> None:
    """Stop an agent without a word: its connection stays open and nothing answers."""
    name = lab.agents.names[0]
    _wait_until_connected(lab)
    pid = lab.agents.pids()[name]
    os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    try:
        while lab.agents.connected() == len(lab.agents.names):
            if time.monotonic() - began > 2 * _HALF_OPEN_S:
                raise LabFailed("a silent agent is not found")
            time.sleep(0.2)
    finally:
        os.kill(pid, signal.SIGCONT)
    section.add("half-open connection found", time.monotonic() - began, "s", at_most=_HALF_OPEN_S)


def _wait_until_connected(lab: Lab) -> None:
    deadline = time.monotonic() + 60
    while lab.agents.connected() < len(lab.agents.names) and time.monotonic() < deadline:
        time.sleep(0.2)


def _wait_until_running(task: str, *, step: int, count: int = 1) -> None:
    """Wait until so many executions of the step run (or have run)."""
    from deployments.execution.models import ActionExecution  # noqa: PLC0415 Django is set up

    rows = ActionExecution.objects.unscoped(reason="a benchmark's own server")
    wanted = rows.filter(task=int(task.partition("-")[2]), step_number=step, started__isnull=False)
    deadline = time.monotonic() + 60
    while wanted.count() < count:
        if time.monotonic() > deadline:
            raise LabFailed(f"{task} does not come to its step {step}")
        time.sleep(0.05)


def _exit_codes(task: str) -> dict[str, int | None]:
    from deployments.execution.models import ActionExecution  # noqa: PLC0415 Django is set up

    rows = ActionExecution.objects.unscoped(reason="a benchmark's own server")
    found = rows.filter(task=int(task.partition("-")[2]))
    return dict(found.values_list("target_name", "exit_code"))

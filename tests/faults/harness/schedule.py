"""Faults of every kind at random moments while deployments run: what `make chaos` does."""

import os
import random
import signal
import time
import urllib.error
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import redis

from tests.faults.harness import invariants
from tests.faults.harness.forwarder import DOWN, UP, eventually
from tests.faults.harness.scripts import Script, read_witness
from tests.faults.lab import Lab

PROJECTS = {
    "Print": Script(),
    "Short": Script(lines=8, pause=0.05),
    "Shorter": Script(lines=1, seconds=0.1),
    "Silent": Script(lines=0, seconds=0.5),
    "Fails": Script(lines=8, pause=0.05, exit_code=3),
    "Wide": Script(lines=100, pause=0.0, width=400, seconds=0.3),
}
# More than the five tasks that the server carries out at once, so that some wait for their turn.
_IN_FLIGHT = 8
# Deployments to different machines run beside each other, those that share one after each other.
_MOST_MACHINES = 3
_POINTS = (
    "tick.read",
    "tick.written",
    "tick.committed",
    "gateway.loaded",
    "gateway.sent",
    "result.stored",
    "result.committed",
)
_AGENT_POINTS = ("accept", "journaled", "accepted", "started", "spawn", "exit", "finished")


@dataclass
class Chaos:
    """One run of the schedule; `seed` decides which fault comes when."""

    lab: Lab
    choose: random.Random
    live: dict[str, tuple[str, str]] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    canceled: set[str] = field(default_factory=set)
    ended: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    def run(self, seconds: float) -> None:
        """Break things for so long, then wait until all has ended, and look at everything."""
        for name, script in PROJECTS.items():
            self.lab.add_project(name, script)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._keep_busy()
            time.sleep(self.choose.uniform(0.2, 2.0))
            fault = self.choose.choice(list(FAULTS))
            if self._strike(fault):
                self.faults[fault] += 1
            self._start_dead_agents()
            self._look()
        self._heal()
        self._adopt_unknown()
        end = time.monotonic() + 240
        while self.live and time.monotonic() < end:
            self._start_dead_agents()
            self._look()
            time.sleep(0.5)
        self.violations += [f"{deployment}: I2 has not ended" for deployment in self.live]
        self.violations += invariants.overlaps(read_witness(self.lab.witness))
        self.violations += self.lab.check_everything_at_rest()

    def table(self) -> str:
        """Return what happened, for people."""
        rows = [f"  {count:5}  {name}" for name, count in sorted(self.faults.items())]
        ended = ", ".join(f"{count} {state}" for state, count in sorted(self.ended.items()))
        return "\n".join(
            [
                f"{sum(self.ended.values())} deployments ({ended})",
                f"{sum(self.faults.values())} faults",
                *rows,
                f"{len(self.violations)} violations",
                *(f"  {text}" for text in self.violations),
            ]
        )

    def _strike(self, fault: str) -> bool:
        """Make a fault; return whether it has really happened."""
        try:
            return FAULTS[fault](self) is not False
        except redis.RedisError:
            return False  # Redis is just being started again

    def _keep_busy(self) -> None:
        while len(self.live) < _IN_FLIGHT:
            project = self.choose.choice(list(PROJECTS))
            wide = self.choose.randint(1, _MOST_MACHINES)
            machines = self.choose.sample(self.lab.machines, wide)
            try:
                deployment_id, task_id = self.lab.deploy(project, machines)
            except (urllib.error.URLError, OSError):
                return  # found again at the end, if it was made
            self._take_on(deployment_id, task_id, project)

    def _take_on(self, deployment_id: str, task_id: str, project: str) -> None:
        self.live[deployment_id] = (task_id, project)
        self.known.add(deployment_id)

    def _look(self) -> None:
        """Judge what has ended."""
        for deployment_id, (task_id, project) in list(self.live.items()):
            task = self.lab.get(f"tasks/{task_id}")
            if task["IsCompleted"]:
                del self.live[deployment_id]
                self._judge(deployment_id, task, project)

    def _judge(self, deployment_id: str, task: dict[str, Any], project: str) -> None:
        state = task["State"]
        self.ended[state] += 1
        wanted = {"Failed" if PROJECTS[project].exit_code else "Success"}
        if deployment_id in self.canceled:
            wanted |= {"Canceled", "Failed"}
        if state not in wanted:
            self.violations.append(f"{deployment_id}: the task is {state}: {task['ErrorMessage']}")
        run = self.lab.run_of(deployment_id, task, project)
        witness = read_witness(self.lab.witness)
        self.violations += invariants.violations_of(run, self.lab.records, witness)

    def _adopt_unknown(self) -> None:
        """Look for deployments whose creation got no answer because the web process died."""
        releases = {p.release_id: name for name, p in self.lab.projects.items()}
        for item in self.lab.get("deployments?take=10000")["Items"]:
            if item["Id"] not in self.known and item["ReleaseId"] in releases:
                self._take_on(item["Id"], item["TaskId"], releases[item["ReleaseId"]])

    def _heal(self) -> None:
        self.lab.line.disarm()
        self._start_dead_agents()

    def _start_dead_agents(self) -> None:
        """Start agents again that died at a point later than was waited for, as systemd does."""
        for machine in self.lab.machines:
            if not self.lab.agents[machine].is_running:
                self.lab.start_agent(machine)

    def kill_server(self, name: str) -> None:
        """Kill -9 a part of the server with its children."""
        self.lab.kill_server_process(name)

    def kill_agent(self) -> None:
        machine = self._agent()
        self.lab.kill_agent(machine)
        time.sleep(self.choose.uniform(0, 1))
        self.lab.start_agent(machine)

    def agent_point(self) -> bool:
        """Let an agent die at a point of a command's life, and start it again."""
        machine = self._agent()
        self.lab.agents[machine].terminate()
        self.lab.start_agent(machine, f"{self.choose.choice(_AGENT_POINTS)}=kill9@1")
        time.sleep(self.choose.uniform(2, 5))
        died = not self.lab.agents[machine].is_running
        if died:
            self.lab.start_agent(machine)
        return died

    def server_point(self) -> bool:
        point = self.choose.choice(_POINTS)
        self.lab.arm(point)
        return eventually(lambda: self.lab.was_hit(point), 6)

    def stop_for_a_while(self) -> None:
        """SIGSTOP and SIGCONT, sometimes beyond the leases."""
        names = ["worker", "gateway", "redis", "agent"]
        name = self.choose.choice(names)
        if name == "agent":
            pids = [self.lab.agents[self._agent()].pid]
        else:
            pids = self.lab.server_pids(name) + self.lab.children_of(name)
        self._signal(pids, signal.SIGSTOP)
        time.sleep(self.choose.choice([0.5, 1, 2, 4, 13]))
        self._signal(pids, signal.SIGCONT)

    def cancel_one(self) -> bool:
        if not self.live:
            return False
        deployment_id = self.choose.choice(list(self.live))
        self.canceled.add(deployment_id)
        try:
            self.lab.cancel(self.live[deployment_id][0])
        except (urllib.error.URLError, OSError):
            return False
        return True

    def cut_after(self) -> bool:
        self.lab.line.cut_after(self.choose.choice([UP, DOWN]), self.choose.randrange(1, 20000))
        return self._was_cut()

    def cut_at(self) -> bool:
        kinds = ["accepted", "out", "finished", "run", "out_ack", "final_ack"]
        kind = self.choose.choice(kinds)
        direction = UP if kind in {"accepted", "out", "finished"} else DOWN
        self.lab.line.cut_at(direction, kind, after=self.choose.random() < 0.5)
        return self._was_cut()

    def _was_cut(self) -> bool:
        happened = eventually(lambda: not self.lab.line.is_armed, 6)
        self.lab.line.disarm()
        return happened

    def lose(self) -> None:
        self.lab.line.lose(*self.choose.choice([(UP,), (DOWN,), (UP, DOWN)]))

    def partition(self) -> None:
        with self.lab.line.changed(is_refusing=True):
            self.lab.line.reset()
            time.sleep(self.choose.uniform(0.5, 5))

    def slow(self) -> None:
        with self.lab.line.changed(delay=0.4):
            time.sleep(self.choose.uniform(1, 5))

    def stall(self) -> None:
        with self.lab.line.changed(held={UP, DOWN}):
            time.sleep(self.choose.uniform(0.5, 5))

    def starve_redis(self) -> None:
        """Leave Redis no memory for a moment."""
        with self.lab.redis() as client:
            client.config_set("maxmemory", "1")
            time.sleep(self.choose.uniform(0.5, 3))
            client.config_set("maxmemory", "0")

    def _agent(self) -> str:
        machine: str = self.choose.choice(self.lab.machines)
        if not self.lab.agents[machine].is_running:
            self.lab.start_agent(machine)
        return machine

    def _signal(self, pids: list[int], number: signal.Signals) -> None:
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue


FAULTS: dict[str, Callable[[Chaos], bool | None]] = {
    "K kill -9 of the worker": lambda chaos: chaos.kill_server("worker"),
    "K kill -9 of the gateway": lambda chaos: chaos.kill_server("gateway"),
    "K kill -9 of the web process": lambda chaos: chaos.kill_server("web"),
    "K kill -9 of beat": lambda chaos: chaos.kill_server("beat"),
    "K kill -9 of Redis": lambda chaos: chaos.kill_server("redis"),
    "K kill -9 of an agent": Chaos.kill_agent,
    "K agent dies at a point": Chaos.agent_point,
    "K server process dies at a point": Chaos.server_point,
    "K process stands still": Chaos.stop_for_a_while,
    "K Redis FLUSHALL": lambda chaos: chaos.lab.flush_redis(),
    "N reset of all connections": lambda chaos: chaos.lab.line.reset(),
    "N reset after some bytes": Chaos.cut_after,
    "N reset at a message": Chaos.cut_at,
    "N half-open connection": Chaos.lose,
    "N forgotten connection": lambda chaos: chaos.lab.line.forget(),
    "N partition": Chaos.partition,
    "N slow line": Chaos.slow,
    "N stall": Chaos.stall,
    "C cancel": Chaos.cancel_one,
    "R Redis without memory": Chaos.starve_redis,
}

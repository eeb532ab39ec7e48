"""A command for each of 1,000 agents in one load process, and their return after a restart."""

import os
import signal
import statistics
import sys
import time
from typing import Any

from benchmarks.bare_gateway import BareGateway, bare_gateway
from benchmarks.lab import Lab, open_lab, script_step
from benchmarks.results import Section, grid
from benchmarks.virtual_agents import FleetProcess, fleet_process
from tests.support.processes import free_port

_AGENTS, _ROUNDS = 1000, 5
_SHORT_AGENTS, _SHORT_ROUNDS = 50, 1
_DISPATCH_S, _BACK_S = 0.5, 60.0
_CONNECT_WITHIN = 60.0


def run(*, short: bool) -> Section:
    """Deploy one script to all of them, several times; then kill their gateway."""
    agents, rounds = (_SHORT_AGENTS, _SHORT_ROUNDS) if short else (_AGENTS, _ROUNDS)
    section = Section()
    with open_lab() as lab:
        from benchmarks.seeding import add_virtual_machines, gateway_pin  # noqa: PLC0415 Django

        environment = lab.make_environment("Virtual")
        credentials = add_virtual_machines(environment, agents, ["virtual"])
        step = script_step("Say hi", "echo hi", role="virtual")
        release = lab.make_release("Say hi", environment, [step])
        url = f"wss://127.0.0.1:{lab.supervisor.configuration.gateway_port}"
        with fleet_process(url, gateway_pin(), credentials) as fleet:
            fleet.start(agents)
            took = fleet.wait_for("connected", agents, within=_CONNECT_WITHIN)
            print(f"  {agents} agents connected within {took:.1f} s", file=sys.stderr)
            _dispatch(lab, fleet, section, release, environment, rounds)
            _restart(lab, fleet, section, agents)
        port = free_port()
        bare_url = f"wss://127.0.0.1:{port}"
        with (
            bare_gateway(port) as bare,
            fleet_process(bare_url, gateway_pin(), credentials) as fleet,
        ):
            fleet.start(agents)
            fleet.wait_for("connected", agents, within=_CONNECT_WITHIN)
            _bare(bare, fleet, section, agents, rounds)
    return section


def _dispatch(
    lab: Lab, fleet: FleetProcess, section: Section, release: str, environment: str, rounds: int
) -> None:
    spans, wholes = [], []
    processor: list[dict[str, float]] = []
    for number in range(rounds + 1):
        time.sleep(2)
        fleet.reset()
        before = lab.cpu_seconds()
        whole = lab.deploy(release, environment, every=1)
        after = lab.cpu_seconds()
        seen = fleet.statistics()
        # The first time loads code that later ones find loaded.
        if number:
            spans.append(seen.last_acknowledged - seen.first_run)
            wholes.append(whole)
            processor.append({name: after[name] - before[name] for name in before})
        print(f"  {seen.acknowledged} commands, {whole:.2f} s in all", file=sys.stderr)
    count = fleet.statistics().acknowledged
    what = f"{count} commands: from the first that arrives to the last acknowledged"
    section.add(what, statistics.median(spans), "s", at_most=_DISPATCH_S)
    section.add(f"the whole deployment to {count} agents", statistics.median(wholes), "s")
    section.remarks.append(_processor(processor))


def _bare(
    bare: BareGateway, fleet: FleetProcess, section: Section, agents: int, rounds: int
) -> None:
    """Measure the same frames where nothing is read, decided or kept."""
    spans, processor = [], []
    for number in range(rounds + 1):
        time.sleep(1)
        fleet.reset()
        before = bare.cpu_seconds()
        bare.command_all()
        fleet.wait_for("acknowledged", agents, within=_CONNECT_WITHIN)
        seen = fleet.statistics()
        if number:
            spans.append(seen.last_acknowledged - seen.first_run)
            processor.append(bare.cpu_seconds() - before)
    what = f"{agents} commands through a gateway that keeps nothing"
    section.add(what, statistics.median(spans), "s")
    section.add("its processor time", statistics.median(processor), "s")


def _restart(lab: Lab, fleet: FleetProcess, section: Section, agents: int) -> None:
    for name, number in (("kill -9", signal.SIGKILL), ("a stop", signal.SIGTERM)):
        fleet.reset()
        os.kill(lab.pid("gateway"), number)
        began = time.monotonic()
        fleet.wait_for("drops", agents, within=_CONNECT_WITHIN)
        fleet.wait_for("connected", agents, within=_CONNECT_WITHIN)
        took = time.monotonic() - began
        # Long enough for a connection that is not wanted to be closed again.
        time.sleep(5)
        seen = fleet.statistics()
        what = f"{agents} agents back after {name} of the gateway"
        section.add(what, took, "s", at_most=_BACK_S)
        section.add(f"most connections that one agent lost by {name}", seen.most_drops, at_most=1)


def _processor(rounds: list[dict[str, float]]) -> str:
    names = list(rounds[0])
    middle: dict[str, Any] = {
        name: statistics.median(one[name] for one in rounds) * 1000 for name in names
    }
    row = ["processor time of one deployment, ms", *(f"{middle[name]:.0f}" for name in names)]
    return grid(["", *names], [row])

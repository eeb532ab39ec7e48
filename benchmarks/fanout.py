"""One trivial step on N real agents, beside the bare commands and beside other tools."""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from benchmarks.lab import Lab, cpu_of_session, open_lab, resident, script_step
from benchmarks.peers import PEERS, Peer, PeerMissing
from benchmarks.results import Section, grid, median_ratio, number

_SCRIPT = "echo hi"
_SIZES, _ROUNDS = (1, 10, 25, 100), 5
_SHORT_SIZES, _SHORT_ROUNDS = (1, 5), 2
# Other tools take seconds for many targets.
_PEER_ROUNDS, _FEWER_FROM, _FEWER_ROUNDS = 3, 50, 1
# Long enough for clean-up after a deployment to be over when the next round begins.
_BETWEEN = 1.5
# No further number of targets is begun after this, nor a round of other tools in one.
_BEGIN_WITHIN = 240.0
_GOAL, _GOAL_FROM, _GOAL_PER_TARGET = 3.0, 25, 0.004
_IDLE_AGENT_MB = 30.0

Times = dict[str, dict[int, list[float]]]
# Processor seconds of each part in each round, by the number of targets.
Costs = dict[int, list[dict[str, float]]]


def run(*, short: bool) -> Section:
    """Measure all sizes; the tools take turns within each round."""
    sizes, rounds = (_SHORT_SIZES, _SHORT_ROUNDS) if short else (_SIZES, _ROUNDS)
    times: Times = {}
    costs: Costs = {}
    late = time.monotonic() + _BEGIN_WITHIN
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="octopus-peers-")))
        peers, missing = _open_peers(stack, folder, max(sizes))
        lab = stack.enter_context(open_lab())
        environment = lab.make_environment("Fan-out")
        for size in sizes:
            if time.monotonic() > late:
                missing[f"{size} targets"] = "no time was left"
                continue
            known = len(lab.agents.names)
            roles = [[f"of-{n}" for n in sizes if n > i] for i in range(known, size)]
            lab.agents.grow(environment, roles)
            _measure_size(lab, environment, size, rounds, peers, times, costs, late)
        memory = [resident(pid) / 2**20 for pid in lab.agents.pids().values()]
    section = _section(times, memory, missing)
    section.remarks.append(_processor(costs))
    return section


def _open_peers(stack: ExitStack, folder: Path, most: int) -> tuple[list[Peer], dict[str, str]]:
    peers, missing = [], {}
    for make in PEERS:
        try:
            peers.append(stack.enter_context(make(folder, most)))
        except PeerMissing as reason:
            missing[make.__name__] = str(reason)
    return peers, missing


def _measure_size(
    lab: Lab,
    environment: str,
    size: int,
    rounds: int,
    peers: list[Peer],
    times: Times,
    costs: Costs,
    late: float,
) -> None:
    release = lab.make_release(
        f"Say hi to {size}", environment, [script_step("Say hi", _SCRIPT, role=f"of-{size}")]
    )
    tools: dict[str, Callable[[], float]] = {
        "bare": lambda: bare_runs(size),
        "deployment": lambda: _deploy(lab, release, environment, costs.setdefault(size, [])),
    }
    for peer in peers:
        if size <= peer.most:
            tools[peer.name] = lambda peer=peer: peer.run(size, _SCRIPT)  # type: ignore[misc]  # a bound default has no type
    # The first time loads code that later ones find loaded.
    lab.deploy(release, environment)
    for number_of_round in range(rounds):
        for name, measure in tools.items():
            most = _FEWER_ROUNDS if size >= _FEWER_FROM else _PEER_ROUNDS
            is_peer = name not in {"bare", "deployment"}
            if is_peer and (number_of_round >= most or time.monotonic() > late):
                continue
            time.sleep(0.2 if is_peer else _BETWEEN)
            times.setdefault(name, {}).setdefault(size, []).append(measure())
    print(f"  {size} targets measured", file=sys.stderr)


def _deploy(lab: Lab, release: str, environment: str, costs: list[dict[str, float]]) -> float:
    """Deploy; note the processor time of each part of the server and of all agents together."""
    before = _cpu_seconds(lab)
    seconds = lab.deploy(release, environment)
    after = _cpu_seconds(lab)
    costs.append({name: after[name] - before[name] for name in before})
    return seconds


def _cpu_seconds(lab: Lab) -> dict[str, float]:
    agents = sum(cpu_of_session(pid) for pid in lab.agents.pids().values())
    return {**lab.cpu_seconds(), "agents": agents}


def bare_runs(count: int) -> float:
    """Return the seconds that the same commands take one after the other, without a server."""
    began = time.perf_counter()
    for _ in range(count):
        subprocess.run(["bash", "-c", _SCRIPT], capture_output=True, check=True)
    return time.perf_counter() - began


def _section(times: Times, memory: list[float], missing: dict[str, str]) -> Section:
    section = Section()
    sizes = list(times["bare"])
    for size in sizes:
        section.add(
            f"deployment ÷ bare, {size} targets",
            median_ratio(times["deployment"][size], times["bare"][size]),
            "×",
            at_most=_GOAL if size >= _GOAL_FROM else None,
        )
    few, many = min(sizes), max(sizes)
    middle = {size: statistics.median(times["deployment"][size]) for size in sizes}
    per_target = (middle[many] - middle[few]) / (many - few)
    section.add("each further target", per_target * 1000, "ms", at_most=_GOAL_PER_TARGET * 1000)
    section.add("an idle agent", statistics.median(memory), "MB", at_most=_IDLE_AGENT_MB)
    section.remarks.append(_comparison(times, sizes))
    section.remarks += [f"{name} is missing here: {why}" for name, why in missing.items()]
    return section


def _processor(costs: Costs) -> str:
    """Return the processor time of a deployment, part by part."""
    names = list(next(iter(costs.values()))[0])
    rows = [
        [
            f"processor time, {size} targets, ms",
            *(f"{statistics.median(one[name] for one in rounds) * 1000:.0f}" for name in names),
        ]
        for size, rounds in costs.items()
    ]
    return grid(["", *names], rows)


def _comparison(times: Times, sizes: list[int]) -> str:
    rows = []
    for name, by_size in times.items():
        row = [name]
        for size in sizes:
            if size not in by_size:
                row.append("")
                continue
            found = by_size[size]
            ratio = statistics.median(found) / statistics.median(times["bare"][size])
            row.append(f"{statistics.median(found) * 1000:,.0f} ms ({number(ratio)} ×)")
        rows.append(row)
    return grid(["median, and ÷ bare", *(str(size) for size in sizes)], rows)

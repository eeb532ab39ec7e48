"""100 MB that one script prints: how fast they are stored, and what that costs the server."""

import sys

from benchmarks.lab import Lab, LabFailed, open_lab, script_step
from benchmarks.results import Section, grid

_MEGABYTES, _SHORT_MEGABYTES = 100, 5
_ROUNDS = 3
_MB_PER_S, _CPU_S = 50.0, 1.0
_LINE = 100
# Numbered lines of one length, printed by a program that costs little itself.
_SCRIPT = "seq -f '%0{width}.0f' 1 {lines}"


def run(*, short: bool) -> Section:
    """Deploy the script several times; every stored log must be whole and in order."""
    megabytes = _SHORT_MEGABYTES if short else _MEGABYTES
    lines = megabytes * 1_000_000 // _LINE
    rates, costs = [], []
    rows: list[list[str]] = []
    with open_lab() as lab:
        environment = lab.make_environment("Logs")
        lab.agents.grow(environment, [["logs"]])
        script = _SCRIPT.format(width=_LINE - 1, lines=lines)
        step = script_step("Print", script, role="logs")
        release = lab.make_release("Print", environment, [step])
        nothing = lab.make_release(
            "Print nothing", environment, [script_step("Print", "true", role="logs")]
        )
        lab.deploy(nothing, environment)
        # What a deployment costs without a log is not the log's.
        _, idle = _costs(lab, nothing, environment)
        for _ in range(1 if short else _ROUNDS):
            seconds, used = _costs(lab, release, environment)
            rates.append(megabytes / seconds)
            costs.append((sum(used.values()) - sum(idle.values())) * 100 / megabytes)
            rows.append([f"{seconds:.1f} s", *(f"{value:.2f} s" for value in used.values())])
            print(f"  {megabytes / seconds:.0f} MB/s", file=sys.stderr)
        _check(lines)
    section = Section()
    rates.sort()
    costs.sort()
    middle = len(rates) // 2
    section.add(f"{megabytes} MB of one script, stored", rates[middle], "MB/s", at_least=_MB_PER_S)
    section.add("server processor time for 100 MB more", costs[middle], "s", at_most=_CPU_S)
    section.remarks.append(grid(["deployment", *used], rows))
    return section


def _costs(lab: Lab, release: str, environment: str) -> tuple[float, dict[str, float]]:
    """Deploy; return the seconds it took and the processor seconds of each part of the server."""
    before = lab.cpu_seconds()
    seconds = lab.deploy(release, environment, every=0.25)
    after = lab.cpu_seconds()
    return seconds, {name: after[name] - before[name] for name in before}


def _check(lines: int) -> None:
    """Raise LabFailed unless the last log holds every line in order."""
    from deployments.execution.logs.queries import raw_bytes  # noqa: PLC0415 Django is set up
    from deployments.execution.models import ActionExecution  # noqa: PLC0415 after Django's set-up

    rows = ActionExecution.objects.unscoped(reason="a benchmark's own server")
    execution = rows.order_by("-pk").first()
    expected, rest = 1, b""
    for part in raw_bytes(execution) if execution else ():
        *whole, rest = (rest + part).split(b"\n")
        for line in whole:
            if int(line) != expected:
                raise LabFailed(f"line {expected} is {line[:120]!r}")
            expected += 1
    if expected != lines + 1 or rest:
        raise LabFailed(f"{expected - 1} lines of {lines} are stored")

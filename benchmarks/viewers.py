"""From a line printed on a target to those who watch the task: 1, 100 and 300 of them."""

import asyncio
import json
import sys
import time

from benchmarks.lab import API_KEY, Lab, open_lab, script_step
from benchmarks.results import Section, percentile

_VIEWERS, _SHORT_VIEWERS = (1, 100, 300), (1, 5)
_P50, _P99 = 0.25, 0.5
# Lines at uneven moments, each with the time at which it was printed.
_LINES = 60
_SCRIPT = f"""
sleep 3
for number in $(seq {_LINES}); do
  echo "at $EPOCHREALTIME"
  sleep 0.$((RANDOM % 25 + 5))
done
"""
_WITHIN = 60.0


def run(*, short: bool) -> Section:
    """Watch a deployment with each number of viewers."""
    section = Section()
    with open_lab() as lab:
        environment = lab.make_environment("Viewers")
        lab.agents.grow(environment, [["viewers"]])
        step = script_step("Print", _SCRIPT, role="viewers")
        release = lab.make_release("Print", environment, [step])
        for count in _SHORT_VIEWERS if short else _VIEWERS:
            task = lab.queue(release, environment)
            delays = asyncio.run(_watch_all(lab, task, count))
            lab.wait(task)
            seen = len(delays) / count
            print(f"  {count} viewers, {seen:.1f} of {_LINES} lines each", file=sys.stderr)
            what = f"line to viewer, {count} viewers"
            section.add(f"{what}, p50", percentile(delays, 50), "s", at_most=_P50)
            section.add(f"{what}, p99", percentile(delays, 99), "s", at_most=_P99)
            section.add(f"{what}, lines missed", _LINES - seen, at_most=0.01)
    return section


async def _watch_all(lab: Lab, task: str, count: int) -> list[float]:
    async with asyncio.timeout(_WITHIN):
        found = await asyncio.gather(*(_watch(lab, task) for _ in range(count)))
    return [delay for one in found for delay in one]


async def _watch(lab: Lab, task: str) -> list[float]:
    """Return how old each line was when it came."""
    port = lab.supervisor.configuration.web_port
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
    path = f"/app/Spaces-1/tasks/{task}/stream"
    writer.write(
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Octopus-ApiKey: {API_KEY}\r\n\r\n".encode()
    )
    status = await reader.readline()
    if b" 200 " not in status:
        raise RuntimeError(f"{path}: {status.decode()}")
    delays: list[float] = []
    kind = ""
    try:
        while not reader.at_eof():
            line = (await reader.readline()).decode().rstrip()
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            elif line.startswith("data: ") and kind == "log":
                now = time.time()
                segments = json.loads(line.removeprefix("data: "))["segments"]
                texts = [segment["text"] for segment in segments]
                delays += [now - float(t.split()[1]) for t in texts if t.startswith("at ")]
            elif line.startswith("data: ") and kind == "end":
                break
    finally:
        writer.close()
    return delays

"""From a line printed on a target to those who watch the task: 1, 100 and 300 of them."""

import asyncio
import re
import sys
import time

from benchmarks.lab import API_KEY, Lab, open_lab, script_step
from benchmarks.results import Section, percentile

_VIEWERS, _SHORT_VIEWERS = (1, 100, 300), (1, 5)
_P50, _P99 = 0.25, 0.5
# Lines at uneven moments, each with the time at which it was printed; 300 viewers who come at one
# moment need some seconds to be let in.
_LINES = 60
_SCRIPT = f"""
sleep 8
for number in $(seq {_LINES}); do
  echo "at $EPOCHREALTIME"
  sleep 0.$((RANDOM % 25 + 5))
done
"""
_WITHIN = 60.0
_LINE = re.compile(rb'"text": "at ([0-9.]+)"')
_LONGEST = 64


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
    loop = asyncio.get_running_loop()
    transport, viewer = await loop.create_connection(_Viewer, "127.0.0.1", port)
    path = f"/app/Spaces-1/tasks/{task}/stream"
    transport.write(
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Octopus-ApiKey: {API_KEY}\r\n\r\n".encode()
    )
    try:
        await viewer.ended
    finally:
        transport.close()
    return viewer.delays


class _Viewer(asyncio.Protocol):
    """Looks for the lines' times only: 300 of these share the machine with the server."""

    def __init__(self) -> None:
        self.delays: list[float] = []
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        now = time.time()
        text = self._rest + data
        last = 0
        for found in _LINE.finditer(text):
            self.delays.append(now - float(found[1]))
            last = found.end()
        self._rest = text[max(last, len(text) - _LONGEST) :]
        if b"event: end" in text and not self.ended.done():
            self.ended.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(error or ConnectionError("the stream was cut"))

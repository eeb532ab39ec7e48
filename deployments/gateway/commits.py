"""What agents say, gathered and stored: one transaction for everything of one moment.

Commits follow each other; while one runs the next gathers, so the busier the gateway the larger
the transactions. Nothing is acknowledged to an agent before its commit.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor

import structlog
from django.db import connection

from agent.contracts.messages import Accepted, Progress, Started
from agent.contracts.out_frame import OutFrame
from agent.contracts.spool import Frame
from deployments.gateway.masks import CommandSecrets
from deployments.gateway.sessions import Session
from deployments.gateway.store import Outcome, Report, Said, store

log = structlog.get_logger(__name__)

# Output is stored this long after the last commit, so that a chatty script costs few of them;
# after a pause sooner, but late enough for the result of a short command to come along.
OUTPUT_DELAY = 0.2
_FIRST_OUTPUT_DELAY = 0.05
# So much is not kept waiting: with the window of one command it would slow a large log down.
_MUCH = 1024 * 1024
SOON = 0.002
# A result implies both, and most results come sooner than anybody needs to know.
ACCEPTED_DELAY = 1.0
_DELAYS: dict[type, float] = {
    Accepted: ACCEPTED_DELAY,
    Progress: ACCEPTED_DELAY,
    Started: OUTPUT_DELAY,
}
# More than this waits in the agents' spools: reading stops until a commit has made room.
MOST_GATHERED = 64 * 1024 * 1024
_RETRY_PAUSE = 1.0


class Commits:
    """Gathers reports and stores them; gives the outcomes to `done` in the event loop."""

    def __init__(self, executor: Executor, done: Callable[[Sequence[Outcome]], None]) -> None:
        self.secrets = CommandSecrets()
        self._executor = executor
        self._done = done
        self._reports: dict[tuple[Session, str], Report] = {}
        self._held: dict[tuple[Session, str], Sequence[Frame]] = {}
        self._due = float("inf")
        self._stored_at = 0.0
        self._changed = asyncio.Event()
        self._gathered = 0
        self._room = asyncio.Event()
        self._room.set()

    def output(self, session: Session, execution_pk: int, frame: OutFrame) -> None:
        """Gather output; stored within OUTPUT_DELAY, or at once when it is much."""
        self._report(session, frame.id, execution_pk).frames.append(
            Frame(frame.stream, frame.time_ms, frame.offset, frame.payload)
        )
        self._count(len(frame.payload))
        if self._gathered >= _MUCH:
            self._want(SOON)
        else:
            since = time.monotonic() - self._stored_at
            self._want(max(_FIRST_OUTPUT_DELAY, OUTPUT_DELAY - since))

    def said(self, session: Session, execution_pk: int, message: Said) -> None:
        """Gather a message; a result is stored at once, with whatever else comes in the moment."""
        self._report(session, message.id, execution_pk).said.append(message)
        self._want(_DELAYS.get(type(message), SOON))

    async def room(self) -> None:
        """Wait until more may be gathered."""
        await self._room.wait()

    def drop_output(self, session: Session, command_id: str) -> None:
        """Forget gathered output of a command, because it will be sent again."""
        self._held.pop((session, command_id), None)
        report = self._reports.get((session, command_id))
        if report is not None:
            self._count(-report.size)
            report.frames.clear()

    def forget(self, session: Session, execution_pks: Sequence[int]) -> None:
        """Drop what was kept for a session that has ended."""
        self.secrets.forget(execution_pks)
        for key in [key for key in self._held if key[0] == session]:
            del self._held[key]

    async def run(self) -> None:
        """Store what was gathered, for ever."""
        loop = asyncio.get_running_loop()
        while True:
            await self._wait()
            reports = self._take()
            size = sum(report.size for report in reports)
            self._stored_at = time.monotonic()
            try:
                outcomes = await loop.run_in_executor(self._executor, store, reports, self.secrets)
            except Exception as error:  # noqa: BLE001 whatever it is, the agents' words stay
                # The database is away; nothing has been acknowledged.
                log.warning("a commit failed; trying again", error=type(error).__name__)
                self._put_back(reports)
                await loop.run_in_executor(self._executor, _drop_connection)
                await asyncio.sleep(_RETRY_PAUSE)
                continue
            self._count(-size)
            for outcome in outcomes:
                if outcome.held and not outcome.ended:
                    self._held[outcome.session, outcome.command_id] = outcome.held
            self._done(outcomes)

    def _take(self) -> list[Report]:
        reports, self._reports = self._reports, {}
        self._due = float("inf")
        for key, report in reports.items():
            held = self._held.pop(key, ())
            report.frames[:0] = held
            self._count(sum(len(frame.payload) for frame in held))
        return list(reports.values())

    def _put_back(self, reports: Sequence[Report]) -> None:
        for report in reports:
            key = (report.session, report.command_id)
            newer = self._reports.get(key)
            if newer is not None:
                report.frames += newer.frames
                report.said += newer.said
            self._reports[key] = report
        self._want(_RETRY_PAUSE)

    async def _wait(self) -> None:
        while (pause := self._due - time.monotonic()) > 0:
            self._changed.clear()
            try:
                async with asyncio.timeout(None if pause == float("inf") else pause):
                    await self._changed.wait()
            except TimeoutError:
                return

    def _want(self, within: float) -> None:
        due = time.monotonic() + within
        if due < self._due:
            self._due = due
            self._changed.set()

    def _count(self, size: int) -> None:
        self._gathered += size
        if self._gathered < MOST_GATHERED:
            self._room.set()
        else:
            self._room.clear()

    def _report(self, session: Session, command_id: str, execution_pk: int) -> Report:
        key = (session, command_id)
        if key not in self._reports:
            self._reports[key] = Report(session, command_id, execution_pk)
        return self._reports[key]


def _drop_connection() -> None:
    """Close the thread's connection, so that the next work opens a new one."""
    connection.close()

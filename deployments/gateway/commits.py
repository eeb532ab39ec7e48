"""What agents say, gathered and stored: one transaction for everything of one moment.

Commits follow each other; while one runs the next gathers, so the busier the gateway the larger
the transactions. Nothing is acknowledged to an agent before its commit.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

import structlog
from django.db import Error as DatabaseError
from django.db import connection, transaction

from agent.contracts.messages import Accepted, CancelAck, Finished, Progress, Rejected, Started
from agent.contracts.out_frame import OutFrame
from agent.contracts.spool import Frame
from deployments.execution.logs.append import append_output
from deployments.execution.services import mailbox
from deployments.gateway import sessions
from deployments.gateway.sessions import Session

log = structlog.get_logger(__name__)

OUTPUT_DELAY = 0.2
SOON = 0.002
_RETRY_PAUSE = 1.0

Said = Accepted | Rejected | Started | Progress | Finished | CancelAck


@dataclass
class Report:
    """What one agent's session has said about one command since the last commit."""

    session: Session
    command_id: str
    execution_pk: int
    frames: list[Frame] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)


@dataclass(frozen=True)
class Outcome:
    """What is durable of a report: the log's length, and whether the end was stored."""

    session: Session
    command_id: str
    log_length: int
    ended: bool
    is_stale: bool = False


class Commits:
    """Gathers reports and stores them; gives the outcomes to `done` in the event loop."""

    def __init__(self, executor: Executor, done: Callable[[Sequence[Outcome]], None]) -> None:
        self._executor = executor
        self._done = done
        self._reports: dict[tuple[Session, str], Report] = {}
        self._due = float("inf")
        self._changed = asyncio.Event()

    def output(self, session: Session, execution_pk: int, frame: OutFrame) -> None:
        """Gather output; stored within OUTPUT_DELAY."""
        self._report(session, frame.id, execution_pk).frames.append(
            Frame(frame.stream, frame.time_ms, frame.offset, frame.payload)
        )
        self._want(OUTPUT_DELAY)

    def said(self, session: Session, execution_pk: int, message: Said) -> None:
        """Gather a message; stored at once, with whatever else comes in the same moment."""
        self._report(session, message.id, execution_pk).said.append(message)
        self._want(OUTPUT_DELAY if isinstance(message, (Accepted, Progress, Started)) else SOON)

    async def run(self) -> None:
        """Store what was gathered, for ever."""
        loop = asyncio.get_running_loop()
        while True:
            await self._wait()
            reports, self._reports = list(self._reports.values()), {}
            self._due = float("inf")
            try:
                outcomes = await loop.run_in_executor(self._executor, store, reports)
            except DatabaseError as error:
                log.warning("the database refused a commit; the agents repeat", error=str(error))
                await loop.run_in_executor(self._executor, connection.close)
                outcomes = [Outcome(r.session, r.command_id, 0, False, True) for r in reports]
                await asyncio.sleep(_RETRY_PAUSE)
            self._done(outcomes)

    async def _wait(self) -> None:
        while (pause := self._due - time.monotonic()) > 0:
            self._changed.clear()
            try:
                await asyncio.wait_for(
                    self._changed.wait(), None if pause == float("inf") else pause
                )
            except TimeoutError:
                return

    def _want(self, within: float) -> None:
        due = time.monotonic() + within
        if due < self._due:
            self._due = due
            self._changed.set()

    def _report(self, session: Session, command_id: str, execution_pk: int) -> Report:
        key = (session, command_id)
        if key not in self._reports:
            self._reports[key] = Report(session, command_id, execution_pk)
        return self._reports[key]


def store(reports: Sequence[Report]) -> list[Outcome]:
    """Store reports in one transaction; reports of sessions that were taken over are refused."""
    with transaction.atomic():
        stale = sessions.stale({report.session for report in reports})
        fresh = [report for report in reports if report.session.agent_pk not in stale]
        outcomes = _store(fresh)
    refused = [r for r in reports if r.session.agent_pk in stale]
    return [*outcomes, *(Outcome(r.session, r.command_id, 0, False, True) for r in refused)]


def _store(reports: Sequence[Report]) -> list[Outcome]:
    if not reports:
        return []
    appended = append_output({report.execution_pk: report.frames for report in reports})
    records = {pk: result.records for pk, result in appended.items() if result.records}
    if records:
        mailbox.record_outputs(records)
    lengths = {pk: result.length for pk, result in appended.items()}
    said = [(report, message) for report in reports for message in report.said]
    finished = [
        message
        for report, message in said
        if isinstance(message, Finished) and message.bytes <= lengths.get(report.execution_pk, 0)
    ]
    mailbox.apply_accepted([m.id for _, m in said if isinstance(m, Accepted)])
    mailbox.apply_started([m.id for _, m in said if isinstance(m, Started)])
    for _, message in said:
        if isinstance(message, Rejected):
            mailbox.apply_rejected(message.id, message.code, message.detail)
        elif isinstance(message, CancelAck):
            mailbox.apply_cancel_ack(message.id, message.state)
    if finished:
        mailbox.apply_finished([_result(message) for message in finished])
    ended = {message.id for message in finished}
    return [
        Outcome(
            report.session,
            report.command_id,
            lengths.get(report.execution_pk, 0),
            report.command_id in ended,
        )
        for report in reports
    ]


def _result(message: Finished) -> mailbox.FinishedResult:
    return mailbox.FinishedResult(
        command_id=message.id,
        started=message.started,
        exit_code=message.exit,
        signal=message.signal,
        reason=message.reason,
        message=message.message,
    )

"""Storing what agents said: one transaction for the reports of one moment."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog
from django.db import InterfaceError, OperationalError, transaction

from agent import failpoints
from agent.contracts.messages import Accepted, CancelAck, Finished, Progress, Rejected, Started
from agent.contracts.spool import Frame
from deployments.execution.logs.append import Appended, append_output, write_warning
from deployments.execution.services import mailbox
from deployments.gateway import sessions
from deployments.gateway.masks import CommandSecrets
from deployments.gateway.sessions import Session

log = structlog.get_logger(__name__)

Said = Accepted | Rejected | Started | Progress | Finished | CancelAck

# A result whose log arrived otherwise than the agent had stored it.
DAMAGED = "error: the output that arrived is not the output that the agent stored"
_UNSTORABLE = "The outcome is unknown: what the agent sent could not be stored."


@dataclass
class Report:
    """What one agent's session has said about one command since the last commit."""

    session: Session
    command_id: str
    execution_pk: int
    frames: list[Frame] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)

    @property
    def size(self) -> int:
        return sum(len(frame.payload) for frame in self.frames)


@dataclass(frozen=True)
class Outcome:
    """What is durable of a report: the log's length, and whether the end was stored.

    `held` follows on the log and is given again with what comes next. `has_gap`: what the report
    had beyond that could not be appended and must be sent again.
    """

    session: Session
    command_id: str
    execution_pk: int
    log_length: int = 0
    ended: bool = False
    is_stale: bool = False
    held: Sequence[Frame] = ()
    has_gap: bool = False


def store(reports: Sequence[Report], secrets: CommandSecrets) -> list[Outcome]:
    """Store reports, together if possible; refuse those of sessions that were taken over.

    Raises OperationalError or InterfaceError when the database is away: then nothing is stored.
    A report that no database takes ends its command, so that it cannot block all others.
    """
    try:
        return _store_together(reports, secrets)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        if len(reports) > 1:
            return [outcome for report in reports for outcome in store([report], secrets)]
        (report,) = reports
        log.exception("a report cannot be stored", command=report.command_id)
        return [_give_up(report)]


def _store_together(reports: Sequence[Report], secrets: CommandSecrets) -> list[Outcome]:
    with transaction.atomic():
        stale = sessions.stale({report.session for report in reports})
        fresh = [report for report in reports if report.session not in stale]
        outcomes = _store(fresh, secrets) if fresh else []
    if any(outcome.ended for outcome in outcomes):
        failpoints.hit("result.committed")
    refused = [report for report in reports if report.session in stale]
    return [
        *outcomes,
        *(Outcome(r.session, r.command_id, r.execution_pk, is_stale=True) for r in refused),
    ]


def _store(reports: Sequence[Report], secrets: CommandSecrets) -> list[Outcome]:
    frames = {report.execution_pk: report.frames for report in reports}
    speaking = [pk for pk, of_one in frames.items() if of_one]
    appended = append_output(
        frames,
        secrets=secrets.of(speaking) if speaking else {},
        complete=[report.execution_pk for report in reports if _is_complete(report)],
    )
    records = {pk: result.records for pk, result in appended.items() if result.records}
    if records:
        mailbox.record_outputs(records)
    finished = {
        message.id: (report, message)
        for report in reports
        for message in report.said
        if isinstance(message, Finished) and message.bytes <= _length(appended, report)
    }
    # A result implies what came before it.
    begun = {key for key, (_, message) in finished.items() if message.started}
    _apply([m for report in reports for m in report.said if m.id not in begun])
    if finished:
        for report, message in finished.values():
            if message.reason == DAMAGED:
                write_warning(report.execution_pk, f"{_sentence(DAMAGED)} Its log is incomplete.")
            elif message.exit == 0 and not message.reason and message.message:
                write_warning(report.execution_pk, message.message)
        mailbox.apply_finished([_result(message) for _, message in finished.values()])
        failpoints.hit("result.stored")
    return [_outcome(report, appended, ended=report.command_id in finished) for report in reports]


def _apply(said: Sequence[Said]) -> None:
    mailbox.apply_accepted([m.id for m in said if isinstance(m, Accepted)])
    mailbox.apply_started([m.id for m in said if _has_started(m)])
    for message in said:
        if isinstance(message, Rejected):
            mailbox.apply_rejected(message.id, message.code, message.detail)
        elif isinstance(message, CancelAck):
            mailbox.apply_cancel_ack(message.id, message.state)


def _has_started(message: Said) -> bool:
    """A short command's result may come without a message of its start."""
    return isinstance(message, Started) or (isinstance(message, Finished) and message.started)


def _is_complete(report: Report) -> bool:
    end = report.frames[-1].end if report.frames else 0
    return any(isinstance(m, Finished) and m.bytes <= end for m in report.said)


def _outcome(report: Report, appended: dict[int, Appended], *, ended: bool) -> Outcome:
    known = appended.get(report.execution_pk)
    if known is None:
        # The execution was deleted: nobody waits for it any more.
        return Outcome(report.session, report.command_id, report.execution_pk, ended=True)
    received = report.frames[-1].end if report.frames else 0
    return Outcome(
        session=report.session,
        command_id=report.command_id,
        execution_pk=report.execution_pk,
        log_length=known.length,
        ended=ended,
        held=known.held,
        has_gap=received > (known.held[-1].end if known.held else known.length),
    )


def _length(appended: dict[int, Appended], report: Report) -> int:
    known = appended.get(report.execution_pk)
    return known.length if known is not None else 0


def _result(message: Finished) -> mailbox.FinishedResult:
    return mailbox.FinishedResult(
        command_id=message.id,
        started=message.started,
        exit_code=message.exit,
        signal=message.signal,
        reason=message.reason,
        message=_sentence(DAMAGED) if message.reason == DAMAGED else message.message,
    )


def _give_up(report: Report) -> Outcome:
    result = mailbox.FinishedResult(
        report.command_id, started=True, reason="lost", message=_UNSTORABLE
    )
    mailbox.apply_finished([result])
    return Outcome(report.session, report.command_id, report.execution_pk, ended=True)


def _sentence(reason: str) -> str:
    text = reason.removeprefix("error: ")
    return f"{text[:1].upper()}{text[1:]}."

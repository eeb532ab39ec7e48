"""Which output to send next: a reader per command, batches by size or time, turns for all."""

import time
from collections import deque
from dataclasses import replace

from agent.contracts import limits
from agent.contracts.out_frame import FIRST, LAST, OutFrame
from agent.contracts.sessions.agent import AgentSession
from agent.contracts.spool import Frame, SpoolDamaged, SpoolReader
from agent.runtime.commands.command import Command

_READ = 256 * limits.KIB


class _Tail:
    def __init__(self, command: Command, offset: int) -> None:
        self.command = command
        self.reader: SpoolReader = command.folder.reader(offset)
        self.frames: deque[Frame] = deque()
        self.grew = False
        self.read_at = 0.0
        self.last_read = 0
        self.finished_sent = False

    def note_growth(self) -> None:
        """Remember that there may be more to read."""
        self.grew = True

    def fill(self, now: float) -> None:
        """Read more when nothing is at hand and it is time."""
        if self.frames or not self.grew or now < self.due():
            return
        try:
            self.frames.extend(self.reader.read(_READ))
        except SpoolDamaged:
            self.frames.clear()
        self.read_at = now
        self.last_read = sum(len(frame.payload) for frame in self.frames)
        # Until a read finds nothing there may be more.
        self.grew = bool(self.frames)

    def due(self) -> float:
        """Return when to read more (monotonic); at once at the end and while batches are full."""
        if self.command.finished is not None or self.last_read >= limits.OUT_BATCH_BYTES:
            return 0.0
        return self.read_at + limits.OUT_BATCH_DELAY


class Tails:
    """The output of all commands on one connection."""

    def __init__(self, session: AgentSession) -> None:
        self._session = session
        self._tails: dict[str, _Tail] = {}
        self._turns: deque[str] = deque()

    def note(self, command: Command) -> None:
        """Remember that the spool of a command may have grown, or that it has ended."""
        tail = self._tails.get(command.id)
        if tail is None:
            position = self._session.log_position(command.id)
            tail = self._tails[command.id] = _Tail(command, position)
            self._turns.append(command.id)
        tail.note_growth()
        tail.command = command

    def rewind(self, command_id: str) -> None:
        """Begin again from where the session now stands."""
        tail = self._tails.pop(command_id, None)
        if tail is not None:
            tail.reader.close()
            self._turns.remove(command_id)
            self.note(tail.command)

    def drop(self, command_id: str) -> None:
        """Forget a released command."""
        tail = self._tails.pop(command_id, None)
        if tail is not None:
            tail.reader.close()
            self._turns.remove(command_id)

    def close(self) -> None:
        """Close all readers."""
        for command_id in list(self._tails):
            self.drop(command_id)

    def next_frame(self) -> bytes | None:
        """Take the next output frame that is due and fits the windows; commands take turns."""
        now = time.monotonic()
        for _ in range(len(self._turns)):
            command_id = self._turns[0]
            self._turns.rotate(-1)
            tail = self._tails[command_id]
            tail.fill(now)
            if not tail.frames or not self._fits(tail.frames[0], command_id):
                continue
            return self._session.log_frame(_wire(command_id, tail.frames.popleft()))
        return None

    def offer_finished(self) -> bool:
        """Queue the results whose output is all on the wire; True if there was one."""
        queued = False
        for tail in self._tails.values():
            finished = tail.command.finished
            if finished is None or tail.finished_sent or tail.frames or tail.grew:
                continue
            position = self._session.log_position(tail.command.id)
            if position < finished.bytes:
                # The spool ends early (damaged disk): say so instead of waiting for ever.
                text = f"{finished.message} The stored output ends early.".strip()
                finished = replace(finished, bytes=position, sha256=None, message=text)
            tail.finished_sent = self._session.send_finished(finished)
            queued |= tail.finished_sent
        return queued

    def repeat_finished(self, command_id: str) -> None:
        """Send the result of a command again."""
        if command_id in self._tails:
            self._tails[command_id].finished_sent = False

    def next_due(self) -> float | None:
        """Return when more output is to be read (monotonic), or None."""
        times = [tail.due() for tail in self._tails.values() if tail.grew and not tail.frames]
        return min(times, default=None)

    def _fits(self, frame: Frame, command_id: str) -> bool:
        # A frame larger than a whole window goes when nothing else is on the way.
        size = min(len(frame.payload), self._session.limits.command_window)
        return self._session.log_room(command_id) >= size


def _wire(command_id: str, frame: Frame) -> OutFrame:
    return OutFrame(
        id=command_id,
        stream=frame.stream,
        offset=frame.offset,
        time_ms=frame.time_ms,
        payload=frame.payload,
        flags=FIRST | LAST if frame.whole else LAST,
    )

"""The agent's side of one connection: what was said, and how much output may be sent."""

from dataclasses import dataclass

from agent.contracts.codec import CodecError, decode_from_server
from agent.contracts.messages import (
    Error,
    FinalAck,
    Finished,
    FromAgent,
    FromServer,
    Hello,
    OutAck,
    SessionLimits,
    Welcome,
)
from agent.contracts.out_frame import OutFrame, encode_out
from agent.contracts.sessions.control_queue import ControlQueue


@dataclass(slots=True)
class LogPosition:
    """Output of one command on this connection: below `acked` durable, below `sent` on the wire."""

    acked: int = 0
    sent: int = 0


class AgentSession:
    """Turn frames of the gateway into messages, and keep the send windows.

    A new object for every connection. Usage: send `next_control()` until None; give every received
    frame to `receive`, handle the messages it returns; then, command by command, send up to
    `log_room(id)` bytes from `log_position(id)` as `log_frame(...)`. Control frames go first.
    """

    def __init__(self, hello: Hello) -> None:
        self._control = ControlQueue()
        self._control.put(hello)
        self._logs: dict[str, LogPosition] = {}
        self._unacked = 0
        self.limits = SessionLimits()
        self.welcome: Welcome | None = None
        self.broken = False

    def receive(self, frame: str | bytes) -> list[FromServer]:
        """Read one frame; unusable ones are answered with `error` and give nothing.

        Returns `welcome` once, before anything else; acknowledgements have been applied already
        and are passed on. `broken` turns true when the peer sends too much nonsense.
        """
        try:
            if isinstance(frame, bytes):
                raise CodecError("unsupported", "binary frames are not sent to agents", "out")
            message = decode_from_server(frame)
        except CodecError as problem:
            self.broken |= not self._control.answer(problem)
            return []
        if isinstance(message, Welcome):
            return self._welcomed(message)
        if self.welcome is None and not isinstance(message, Error):
            self._control.put(Error(code="not_ready", detail="no welcome yet", re=message.KIND))
            return []
        if isinstance(message, OutAck):
            self._acknowledged(message)
        elif isinstance(message, FinalAck):
            self._drop_log(message.id)
        return [message]

    def send(self, message: FromAgent) -> None:
        """Queue a control message; CodecError when it is too big."""
        self._control.put(message)

    def send_finished(self, finished: Finished) -> bool:
        """Queue `finished` if all output of the command is on the wire; else return False."""
        if self.log_position(finished.id) < finished.bytes:
            return False
        self._control.put(finished)
        return True

    def next_control(self) -> str | None:
        """Take the next control frame to send, or None."""
        return self._control.pop()

    def log_position(self, command_id: str) -> int:
        """Return the offset of the next output byte to send."""
        return self._logs[command_id].sent if command_id in self._logs else 0

    def log_room(self, command_id: str) -> int:
        """Return how many output bytes of a command the windows allow now."""
        if self.welcome is None:
            return 0
        position = self._logs.get(command_id) or LogPosition()
        own = self.limits.command_window - (position.sent - position.acked)
        return max(0, min(own, self.limits.connection_window - self._unacked))

    def log_frame(self, frame: OutFrame) -> bytes:
        """Account for an output frame that begins at `log_position` and encode it."""
        position = self._logs.setdefault(frame.id, LogPosition())
        if frame.offset != position.sent:
            raise ValueError("output must be sent in order")
        position.sent = frame.end
        self._unacked += len(frame.payload)
        return encode_out(frame)

    def _welcomed(self, welcome: Welcome) -> list[FromServer]:
        if self.welcome is not None:
            self._control.put(Error(code="malformed", detail="second welcome", re=Welcome.KIND))
            return []
        self.welcome = welcome
        self.limits = welcome.limits
        for point in welcome.resume:
            self._logs[point.id] = LogPosition(acked=point.offset, sent=point.offset)
        return [welcome]

    def _acknowledged(self, ack: OutAck) -> None:
        position = self._logs.setdefault(ack.id, LogPosition())
        before = position.sent - position.acked
        if ack.rewind:
            position.acked = position.sent = ack.offset
        else:
            position.acked = max(position.acked, min(ack.offset, position.sent))
        self._unacked += (position.sent - position.acked) - before

    def _drop_log(self, command_id: str) -> None:
        position = self._logs.pop(command_id, None)
        if position is not None:
            self._unacked -= position.sent - position.acked

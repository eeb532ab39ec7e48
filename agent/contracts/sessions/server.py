"""The gateway's side of one connection: order, duplicates, repeats and output offsets."""

from dataclasses import dataclass, replace

from agent.contracts import limits
from agent.contracts.codec import CodecError, decode_from_agent
from agent.contracts.messages import (
    Accepted,
    Cancel,
    CancelAck,
    Error,
    FinalAck,
    Finished,
    FromAgent,
    FromServer,
    Hello,
    OutAck,
    Progress,
    Rejected,
    Run,
    SessionLimits,
    Started,
    State,
    Welcome,
)
from agent.contracts.out_frame import OutFrame, decode_out
from agent.contracts.sessions.control_queue import ControlQueue


@dataclass(frozen=True, slots=True)
class Output:
    """New output that follows exactly on what this session has given before; store `frame`."""

    frame: OutFrame


@dataclass(frozen=True, slots=True)
class Close:
    """Close the socket with this code; the session takes nothing more."""

    code: int
    reason: str


ServerEvent = FromAgent | Output | Close


@dataclass(slots=True)
class _Log:
    received: int
    durable: int
    rewinding: bool = False


@dataclass(slots=True)
class _Unanswered:
    message: Run | Cancel
    repeat_at: float


class ServerSession:
    """One agent's connection as the gateway sees it; `now` is any monotonic clock in seconds.

    Usage: give every frame to `receive(frame)` and handle the events: first `Hello`, on which
    the gateway calls `welcome`; then messages, `Output`, or `Close`. Messages may come twice and in
    any order (a `Finished` implies accepted and started), so handling must be idempotent. Send
    `next_frame()` until None after every call. Call `tick(now)` at `next_tick()` at the latest:
    it repeats unanswered `run` and `cancel`. After output is durable call `log_durable`; when
    `Finished` is stored and the durable log is `finished.bytes` long call `final_ack`.
    """

    def __init__(self, now: float) -> None:
        self._control = ControlQueue()
        self._logs: dict[str, _Log] = {}
        self._unanswered: dict[tuple[str, str], _Unanswered] = {}
        self._hello_before: float | None = now + limits.HELLO_TIMEOUT
        self._limits = SessionLimits()
        self._closed = False
        self.hello: Hello | None = None
        self.session: int | None = None

    def receive(self, frame: str | bytes) -> list[ServerEvent]:
        """Read one frame and return what the gateway must handle; [] after Close."""
        if self._closed:
            return []
        try:
            if isinstance(frame, bytes):
                return self._output(decode_out(frame))
            message = decode_from_agent(frame)
        except CodecError as problem:
            if self._control.answer(problem):
                return []
            return self._close(limits.CLOSE_BAD_FRAMES, "too many unusable frames")
        if isinstance(message, Hello):
            return self._greeted(message)
        if self.session is None and not isinstance(message, Error):
            self._control.put(Error(code="not_ready", detail="no welcome yet", re=message.KIND))
            return []
        self._answered(message)
        return [message]

    def welcome(self, welcome: Welcome) -> None:
        """Answer `hello`; output of the commands in `resume` continues at their offsets."""
        self.session = welcome.session
        self._limits = welcome.limits
        for point in welcome.resume:
            self._logs[point.id] = _Log(received=point.offset, durable=point.offset)
        self._control.put(welcome)

    def send(self, message: FromServer, now: float) -> None:
        """Queue a message; `run` and `cancel` are repeated until the agent has answered them.

        CodecError `too_big` when it does not fit a frame: use `spec_ref` for a big spec.
        """
        self._control.put(message)
        if isinstance(message, Run):
            self.track(message.id, 0)
        if isinstance(message, (Run, Cancel)):
            key = (message.KIND, message.id)
            self._unanswered[key] = _Unanswered(message, now + limits.RESEND)

    def track(self, command_id: str, durable: int) -> None:
        """Expect output of a command from a durable length on, unless it is tracked already."""
        self._logs.setdefault(command_id, _Log(received=durable, durable=durable))

    def log_durable(self, command_id: str, offset: int) -> None:
        """Acknowledge that all output below an offset is durable."""
        log = self._logs.get(command_id)
        if log is not None and offset > log.durable:
            log.durable = offset
            log.received = max(log.received, offset)
            self._control.put(OutAck(id=command_id, offset=offset))

    def log_lost(self, command_id: str, durable: int) -> None:
        """Ask for output again from the durable length, because what followed was not stored."""
        self._logs[command_id] = _Log(received=durable, durable=durable)
        self._control.put(OutAck(id=command_id, offset=durable, rewind=True))

    def final_ack(self, command_id: str) -> None:
        """Release a command: its result and whole log are durable."""
        self._logs.pop(command_id, None)
        self._forget_unanswered(command_id)
        self._control.put(FinalAck(id=command_id))

    def log_received(self, command_id: str) -> int:
        """Return the length of the output received so far, durable or not (0 if not tracked)."""
        log = self._logs.get(command_id)
        return log.received if log is not None else 0

    def next_frame(self) -> str | None:
        """Take the next control frame to send, or None."""
        return self._control.pop()

    def next_tick(self) -> float | None:
        """Return the time at which `tick` has work, or None."""
        times = [item.repeat_at for item in self._unanswered.values()]
        if self._hello_before is not None:
            times.append(self._hello_before)
        return min(times, default=None)

    def tick(self, now: float) -> list[ServerEvent]:
        """Repeat unanswered messages with the time that is left; Close when no hello came."""
        if self._hello_before is not None and now >= self._hello_before:
            return self._close(limits.CLOSE_NO_HELLO, "no hello")
        for item in self._unanswered.values():
            if now >= item.repeat_at:
                if isinstance(item.message, Run):
                    # The agent counts the time to start from what it receives.
                    left = max(0.0, item.message.ttl_s - limits.RESEND)
                    item.message = replace(item.message, ttl_s=left)
                item.repeat_at = now + limits.RESEND
                self._control.put(item.message)
        return []

    def _greeted(self, hello: Hello) -> list[ServerEvent]:
        if self.hello is not None:
            self._control.put(Error(code="malformed", detail="second hello", re=Hello.KIND))
            return []
        self._hello_before = None
        if not set(hello.protocols) & set(limits.SUPPORTED_PROTOCOLS):
            return self._close(limits.CLOSE_UNSUPPORTED_PROTOCOL, "no common protocol version")
        self.hello = hello
        return [hello]

    def _output(self, frame: OutFrame) -> list[ServerEvent]:
        if self.session is None:
            raise CodecError("not_ready", "no welcome yet", "out", frame.id)
        log = self._logs.get(frame.id)
        if log is None:
            raise CodecError("unknown_command", "output is not expected", "out", frame.id)
        if frame.end - log.durable > self._window():
            raise CodecError("malformed", "output beyond the window", "out", frame.id)
        if frame.offset > log.received:
            # One request per gap: what was in flight behind it is dropped without another.
            if not log.rewinding:
                log.rewinding = True
                self._control.put(OutAck(id=frame.id, offset=log.durable, rewind=True))
            return []
        log.rewinding = False
        if frame.end <= log.received:
            return []
        new = frame.after(log.received)
        log.received = new.end
        return [Output(new)]

    def _window(self) -> int:
        # One frame of slack: an agent may fill its window with a frame that exceeds it.
        return self._limits.command_window + limits.MAX_OUT_PAYLOAD

    def _answered(self, message: FromAgent) -> None:
        if isinstance(message, (Accepted, Rejected, Started, Progress, Finished)):
            self._unanswered.pop((Run.KIND, message.id), None)
        elif isinstance(message, CancelAck):
            self._unanswered.pop((Cancel.KIND, message.id), None)
        elif isinstance(message, State):
            for report in message.commands:
                if report.state != "unknown" and not report.needs_spec:
                    self._unanswered.pop((Run.KIND, report.id), None)
        elif isinstance(message, Error) and message.id is not None and message.re is not None:
            # The agent cannot use this message; sending it again would not help.
            self._unanswered.pop((message.re, message.id), None)
        if isinstance(message, Finished):
            self.track(message.id, 0)

    def _forget_unanswered(self, command_id: str) -> None:
        for kind in (Run.KIND, Cancel.KIND):
            self._unanswered.pop((kind, command_id), None)

    def _close(self, code: int, reason: str) -> list[ServerEvent]:
        self._closed = True
        self._hello_before = None
        self._unanswered.clear()
        return [Close(code, reason)]

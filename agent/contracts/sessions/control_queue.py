"""The control lane of a session: messages wait here as encoded text."""

from collections import deque

from agent.contracts import limits
from agent.contracts.codec import CodecError, encode
from agent.contracts.messages import Error, Message


class ControlQueue:
    """Encoded control frames to send, and the count of frames that could not be read."""

    def __init__(self) -> None:
        self._frames: deque[str] = deque()
        self._bad_frames = 0

    def put(self, message: Message) -> None:
        """Queue a message; CodecError when it is too big."""
        self._frames.append(encode(message))

    def pop(self) -> str | None:
        """Take the next frame to send, or None."""
        return self._frames.popleft() if self._frames else None

    def __bool__(self) -> bool:
        return bool(self._frames)

    def answer(self, problem: CodecError) -> bool:
        """Queue an `error` for an unusable frame; False when the peer has sent too many."""
        self._bad_frames += problem.code != "unsupported"
        self.put(
            Error(
                code=problem.code,
                detail=problem.detail[:500],
                re=problem.kind,
                id=problem.command_id,
            )
        )
        return self._bad_frames <= limits.MAX_BAD_FRAMES

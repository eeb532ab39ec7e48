"""Reads the WebSocket frames in a stream of bytes that passes by."""

import json
from dataclasses import dataclass, field

_TEXT, _BINARY = 1, 2
OUT = "out"


@dataclass
class Frame:
    """A whole frame: what it says it is, and its bytes as they were sent."""

    kind: str
    raw: bytes


@dataclass
class FrameReader:
    """Takes bytes and gives whole frames; what comes before the first one is the handshake."""

    _buffer: bytearray = field(default_factory=bytearray)
    _is_open: bool = False

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that are whole now; the handshake is a frame of the kind ''."""
        self._buffer += data
        frames = []
        while (frame := self._next()) is not None:
            frames.append(frame)
        return frames

    def _next(self) -> Frame | None:
        if not self._is_open:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return None
            self._is_open = True
            return Frame("", self._take(end + 4))
        size = self._size()
        if size is None or len(self._buffer) < size[0] + size[1]:
            return None
        head, length = size
        raw = self._take(head + length)
        payload = raw[head:]
        if raw[1] & 0x80:
            mask = raw[head - 4 : head]
            payload = bytes(byte ^ mask[n % 4] for n, byte in enumerate(payload[:512]))
        return Frame(_kind(raw[0] & 0x0F, payload, length), raw)

    def _size(self) -> tuple[int, int] | None:
        """Return the lengths of head and payload."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        length, extra = buffer[1] & 0x7F, {126: 2, 127: 8}.get(buffer[1] & 0x7F, 0)
        head = 2 + extra + (4 if buffer[1] & 0x80 else 0)
        if len(buffer) < head:
            return None
        return head, int.from_bytes(buffer[2 : 2 + extra]) if extra else length

    def _take(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken


def _kind(opcode: int, payload: bytes, length: int) -> str:
    if opcode == _BINARY:
        return OUT
    if opcode != _TEXT:
        return "control"
    if len(payload) >= length:
        return str(json.loads(payload).get("t", ""))
    start = payload.find(b'"t":"') + 5
    return payload[start : payload.find(b'"', start)].decode() if start >= 5 else ""

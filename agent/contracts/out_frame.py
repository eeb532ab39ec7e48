"""The binary frame that carries output: one spool frame, or the rest of one after a resume."""

import struct
import zlib
from dataclasses import dataclass

from agent.contracts import limits
from agent.contracts.codec import CodecError
from agent.contracts.uuid7 import raw_id, text_id

STDOUT = 1
STDERR = 2
RECORD = 3

FIRST = 1  # the payload begins where a spool frame begins
LAST = 2  # the payload ends where a spool frame ends

_HEADER = struct.Struct(">16sBQQIB")
HEADER_SIZE = _HEADER.size


@dataclass(frozen=True, slots=True, kw_only=True)
class OutFrame:
    """Output of one command.

    `offset` counts payload bytes over all streams of the command; `time_ms` is the agent's unix
    time at which the bytes were read, the same for every part of a spool frame. A RECORD payload is
    one JSON object, complete when FIRST and LAST are both set.
    """

    id: str
    stream: int
    offset: int
    time_ms: int
    payload: bytes
    flags: int = FIRST | LAST

    @property
    def end(self) -> int:
        """The offset just after the payload."""
        return self.offset + len(self.payload)

    def after(self, offset: int) -> "OutFrame":
        """Return the part of this frame that begins at an offset inside it."""
        if offset <= self.offset:
            return self
        return OutFrame(
            id=self.id,
            stream=self.stream,
            offset=offset,
            time_ms=self.time_ms,
            payload=self.payload[offset - self.offset :],
            flags=self.flags & ~FIRST,
        )


def encode_out(frame: OutFrame) -> bytes:
    """Write an output frame: id, stream, offset, time, crc32 of the payload, flags, payload."""
    if len(frame.payload) > limits.MAX_OUT_PAYLOAD:
        raise CodecError("too_big", "output payload", "out", frame.id)
    header = _HEADER.pack(
        raw_id(frame.id),
        frame.stream,
        frame.offset,
        frame.time_ms,
        zlib.crc32(frame.payload),
        frame.flags,
    )
    return header + frame.payload


def decode_out(data: bytes) -> OutFrame:
    """Read an output frame; CodecError malformed (short, bad stream, bad crc) or too_big."""
    if len(data) < HEADER_SIZE:
        raise CodecError("malformed", "output frame too short", "out")
    raw, stream, offset, time_ms, crc, flags = _HEADER.unpack_from(data)
    command_id = text_id(raw)
    payload = data[HEADER_SIZE:]
    if len(payload) > limits.MAX_OUT_PAYLOAD:
        raise CodecError("too_big", "output payload", "out", command_id)
    if stream not in (STDOUT, STDERR, RECORD):
        raise CodecError("malformed", f"unknown stream {stream}", "out", command_id)
    if offset + len(payload) >= 2**63:
        raise CodecError("malformed", "offset out of range", "out", command_id)
    if zlib.crc32(payload) != crc:
        raise CodecError("malformed", "checksum does not match", "out", command_id)
    return OutFrame(
        id=command_id, stream=stream, offset=offset, time_ms=time_ms, payload=payload, flags=flags
    )

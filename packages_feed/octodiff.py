"""Octodiff's signatures and deltas, by which Octopus's clients upload only what is new in a file.

A signature names the chunks of a file; the client looks for them in the new file and sends a delta:
commands that copy from the old file or bring new bytes, and the SHA-1 of what comes of them.
Numbers are little-endian.
"""

import hashlib
import struct
from collections.abc import Callable
from itertools import accumulate
from typing import BinaryIO, Final

from deployments.base.errors import Invalid

CHUNK: Final = 2048
_SIGNATURE: Final = b"OCTOSIG\x01"
_DELTA: Final = b"OCTODELTA\x01"
_END: Final = b">>>"
_HASH: Final = b"\x04SHA1"
# The first of Octodiff's two checksums. What is called Adler32V2 and is zlib's Adler-32 would be
# quicker here, but clients that roll it over a file lose their place in it.
_CHECKSUM: Final = b"\x07Adler32"
_COPY: Final = 0x60
_DATA: Final = 0x80
_NUMBER: Final = struct.Struct("<q")
_HASH_LENGTH: Final = struct.pack("<i", hashlib.sha1(usedforsecurity=False).digest_size)
_SHA1_BYTES: Final = 20
_PIECE: Final = 1024 * 1024


def signature_of(file: BinaryIO) -> bytes:
    """Return the signature of a file: length, checksum and SHA-1 of each 2 KiB."""
    parts = [_SIGNATURE, _HASH, _CHECKSUM, _END]
    while chunk := file.read(CHUNK):
        digest = hashlib.sha1(chunk, usedforsecurity=False).digest()
        parts.append(struct.pack("<HI", len(chunk), rolling_checksum(chunk)) + digest)
    return b"".join(parts)


def rolling_checksum(chunk: bytes) -> int:
    """Return Octodiff's Adler32: the sums of Adler-32, but modulo 65536."""
    total = 1 + sum(chunk)
    of_sums = len(chunk) + sum(accumulate(chunk))
    return (of_sums & 0xFFFF) << 16 | (total & 0xFFFF)


def apply_delta(
    base: BinaryIO, base_size: int, delta: BinaryIO, write: Callable[[bytes], object]
) -> str:
    """Write the new file and return the SHA-1, in hex, that it must have; in constant memory.

    Raises Invalid for what is no delta, or none of a file of that size.
    """
    header = _exactly(delta, len(_DELTA))
    if header != _DELTA or _exactly(delta, len(_HASH)) != _HASH:
        raise Invalid("The file is not a delta in the format of Octodiff.")
    if _exactly(delta, len(_HASH_LENGTH)) != _HASH_LENGTH:
        raise _damaged()
    expected = _exactly(delta, _SHA1_BYTES).hex()
    if _exactly(delta, len(_END)) != _END:
        raise _damaged()
    while command := delta.read(1):
        if command[0] == _COPY:
            start, length = _number(delta), _number(delta)
            if start + length > base_size:
                raise Invalid("The delta is one of another file.")
            base.seek(start)
            _copy(base, length, write)
        elif command[0] == _DATA:
            _copy(delta, _number(delta), write)
        else:
            raise _damaged()
    return expected


def _number(delta: BinaryIO) -> int:
    (value,) = _NUMBER.unpack(_exactly(delta, _NUMBER.size))
    if value < 0:
        raise _damaged()
    return int(value)


def _copy(source: BinaryIO, length: int, write: Callable[[bytes], object]) -> None:
    while length:
        piece = source.read(min(length, _PIECE))
        if not piece:
            raise _damaged()
        write(piece)
        length -= len(piece)


def _exactly(file: BinaryIO, length: int) -> bytes:
    data = file.read(length)
    if len(data) < length:
        raise _damaged()
    return data


def _damaged() -> Invalid:
    return Invalid("The delta is damaged.")

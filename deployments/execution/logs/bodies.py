"""The body of a chunk as it is stored: frames of a spool, compressed where there is much; pure.

A long log costs mostly the writing of its bytes, twice with SQLite, and text shrinks to a part.
Frames begin with the number of their stream, so a body tells by its first bytes what it is.
"""

from typing import Final

from backports import zstd

_FROM: Final = 16 * 1024
_LEVEL: Final = 1
_MARK: Final = b"\x28\xb5\x2f\xfd"


def pack_body(frames: bytes) -> bytes:
    """Return what is stored of encoded frames: themselves when they are few or do not shrink."""
    if len(frames) < _FROM:
        return frames
    packed = zstd.compress(frames, _LEVEL)
    return packed if len(packed) < len(frames) else frames


def unpack_body(stored: bytes) -> bytes:
    """Return the encoded frames of a stored body."""
    return zstd.decompress(stored) if stored.startswith(_MARK) else stored

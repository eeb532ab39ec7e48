"""Deflate exactly as most tools do: zlib at one of its nine levels, or the program gzip.

Other programs, and some of zlib's own offshoots, give other bytes for the same content; who applies
a patch must give the same bytes as who made it.
"""

import hashlib
import zlib
from functools import cache
from typing import Final, Protocol

from agent.patches.format import BrokenPatch
from agent.patches.gzip_program import BY_PROGRAM, GzipProgram
from agent.patches.gzip_program import LEVELS as GZIP_LEVELS

LEVELS: Final = (6, 9, 1, 5, 7, 8, 4, 3, 2)
_MEMORY: Final = 8
# An agent tells its mark while the server waits for its hello.
_MARK_PATIENCE_MS: Final = 3_000


class Deflater(Protocol):
    """Takes a content piece by piece; gives the deflate stream in pieces as they come."""

    def compress(self, block: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


def deflater(level: int) -> Deflater:
    """Return what deflates at a level: zlib with its usual memory and window, or a new gzip."""
    return GzipProgram(level - BY_PROGRAM) if level > BY_PROGRAM else zlib_deflater(level)


def zlib_deflater(level: int) -> "zlib._Compress":
    """Return what deflates as zlib does at a level, with its usual memory and window."""
    return zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS, _MEMORY)


@cache
def deflate_mark() -> str:
    """Return a hash of what the zlib of this process makes of a fixed text, at every level.

    Two machines with the same mark deflate alike.
    """
    digest, text = hashlib.sha256(), _telling()
    for level in LEVELS:
        work = zlib_deflater(level)
        digest.update(work.compress(text) + work.flush())
    return digest.hexdigest()[:16]


@cache
def gzip_mark() -> str:
    """Return the same of the program gzip, at the levels that are told apart; "" without it."""
    digest, text = hashlib.sha256(), _telling()
    try:
        for level in GZIP_LEVELS:
            with GzipProgram(level, _MARK_PATIENCE_MS) as work:
                digest.update(work.compress(text) + work.flush())
    except BrokenPatch:
        return ""
    return digest.hexdigest()[:16]


def _telling() -> bytes:
    """Return a text that is the same on every machine, of words, noise and silence."""
    noise = hashlib.shake_256(b"octopus").digest(20_000)
    words = [noise[place : place + 3].hex() for place in range(0, 3 * 256, 3)]
    text = " ".join(words[number] for number in noise[:12_000]).encode()
    return text + noise[12_000:] + bytes(40_000)

"""Deflate exactly as most tools do: zlib without a header, at one of its nine levels.

Other programs than zlib, and some of its own offshoots, give other bytes for the same content; who
applies a patch must give the same bytes as who made it.
"""

import hashlib
import zlib
from functools import cache
from typing import Final

LEVELS: Final = (6, 9, 1, 5, 7, 8, 4, 3, 2)
_MEMORY: Final = 8


def deflater(level: int) -> "zlib._Compress":
    """Return what deflates at a level, with zlib's usual memory and window."""
    return zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS, _MEMORY)


@cache
def deflate_mark() -> str:
    """Return a hash of what the zlib of this process makes of a fixed text, at every level.

    Two machines with the same mark deflate alike.
    """
    # The same on every machine and for every version of Python: words, noise and silence.
    noise = hashlib.shake_256(b"octopus").digest(20_000)
    words = [noise[place : place + 3].hex() for place in range(0, 3 * 256, 3)]
    text = " ".join(words[number] for number in noise[:12_000]).encode()
    text += noise[12_000:] + bytes(40_000)
    digest = hashlib.sha256()
    for level in LEVELS:
        work = deflater(level)
        digest.update(work.compress(text) + work.flush())
    return digest.hexdigest()[:16]

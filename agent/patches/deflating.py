"""Deflate exactly as most tools do: zlib without a header, at one of its nine levels.

Other programs than zlib, and some of its own offshoots, give other bytes for the same content; who
applies a patch must give the same bytes as who made it.
"""

import hashlib
import random
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
    numbers = random.Random(1)  # noqa: S311 the same on every machine, that is the point
    words = [f"{numbers.getrandbits(24):x}" for _ in range(400)]
    text = " ".join(numbers.choice(words) for _ in range(12_000)).encode()
    text += bytes(numbers.getrandbits(8) for _ in range(8_000)) + bytes(40_000)
    digest = hashlib.sha256()
    for level in LEVELS:
        work = deflater(level)
        digest.update(work.compress(text) + work.flush())
    return digest.hexdigest()[:16]

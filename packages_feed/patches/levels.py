"""At which level zlib gives exactly the bytes that an archive has of a content, if at any."""

from collections.abc import Callable
from typing import Final

from agent.patches.deflating import LEVELS, zlib_deflater
from agent.patches.format import BrokenPatch
from agent.patches.gzip_program import BY_PROGRAM, GzipProgram

_PIECE: Final = 16 * 1024
# After so many entries that zlib cannot have packed, more of them than others end the search.
_ENOUGH: Final = 4
_TELLING: Final = 1024
# So many blocks tell who packed an entry: what a block begins with depends on where it ends, and
# other programs end theirs elsewhere. zlib gives bytes when it has ended one.
_BLOCKS: Final = 2
_LARGE_PIECE: Final = 256 * 1024
_SLOWEST: Final = 2
_FASTEST: Final = 4


class Levels:
    """What has been learnt of one archive: its usual level, or that zlib did not pack it.

    Unless it is to be `exact`, a large entry is believed to go on at the level of its beginning.
    `check` is called often and may raise to stop.
    """

    def __init__(self, *, exact: bool = False, check: Callable[[], None] = lambda: None) -> None:
        self._exact = exact
        self._check = check
        self._order = list(LEVELS)
        self._distinct: set[int] = set()
        self._failures = 0
        self._found = 0

    def find(self, content: bytes | bytearray, stored: bytes) -> int | None:
        """Return the level, or None."""
        if self._failures >= max(_ENOUGH, self._found + 1):
            return None
        for level in self._order:
            if self._fits(content, stored, level):
                self._order.remove(level)
                self._order.insert(0, level)
                self._found += 1
                return level
        self._failures += len(content) >= _TELLING
        return None

    def _fits(self, content: bytes | bytearray, stored: bytes, level: int) -> bool:
        if self._exact:
            return self._gives(content, stored, level)
        if not self._begins(content, stored, level):
            return False
        if level not in self._distinct:
            # Levels may differ much later in what they make of such bytes; then all is packed.
            others = {level - 1, level + 1} & set(LEVELS)
            if any(self._begins(content, stored, other) for other in others):
                return self._gives(content, stored, level)
            self._distinct.add(level)
        return True

    def _begins(self, content: bytes | bytearray, stored: bytes, level: int) -> bool:
        return self._gives(content, stored, level, _BLOCKS)

    def _gives(
        self, content: bytes | bytearray, stored: bytes, level: int, blocks: int | None = None
    ) -> bool:
        """Compare as the bytes come, so that a wrong level costs little; or only so many blocks."""
        work, place = zlib_deflater(level), 0
        for start in range(0, len(content), _PIECE):
            self._check()
            packed = work.compress(content[start : start + _PIECE])
            if stored[place : place + len(packed)] != packed:
                return False
            place += len(packed)
            if packed and blocks is not None:
                blocks -= 1
                if not blocks:
                    return True
        return stored[place:] == work.flush()


def gzip_level(
    content: bytes | bytearray,
    stored: bytes,
    extra: int,
    check: Callable[[], None] = lambda: None,
) -> int | None:
    """Return the level of a plan at which the program gzip makes the very bytes, else None.

    `extra` is the byte of the archive's header that tells the slowest and the fastest level.
    `check` is called often and may raise to stop.
    """
    level = {_SLOWEST: 9, _FASTEST: 1}.get(extra, 6)
    try:
        with GzipProgram(level) as work:
            place = 0
            for start in range(0, len(content), _LARGE_PIECE):
                check()
                packed = work.compress(content[start : start + _LARGE_PIECE])
                if stored[place : place + len(packed)] != packed:
                    return None
                place += len(packed)
            return BY_PROGRAM + level if stored[place:] == work.flush() else None
    except BrokenPatch:
        return None

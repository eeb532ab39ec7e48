"""At which level zlib gives exactly the bytes that an archive has of a content, if at any."""

from agent.patches.deflating import LEVELS, deflater

_PIECE = 256 * 1024
# After so many entries that zlib cannot have packed, more of them than others end the search.
_ENOUGH = 4
_TELLING = 1024


class Levels:
    """What has been learnt of one archive: its usual level, or that zlib did not pack it."""

    def __init__(self) -> None:
        self._order = list(LEVELS)
        self._failures = 0
        self._found = 0

    def find(self, content: bytes, stored: bytes) -> int | None:
        """Return the level, or None."""
        if self._failures >= max(_ENOUGH, self._found + 1):
            return None
        for level in self._order:
            if _gives(content, stored, level):
                self._order.remove(level)
                self._order.insert(0, level)
                self._found += 1
                return level
        self._failures += len(content) >= _TELLING
        return None


def _gives(content: bytes, stored: bytes, level: int) -> bool:
    """Compare as the bytes come, so that a wrong level costs little."""
    work, place = deflater(level), 0
    for start in range(0, len(content), _PIECE):
        packed = work.compress(content[start : start + _PIECE])
        if stored[place : place + len(packed)] != packed:
            return False
        place += len(packed)
    return stored[place:] == work.flush()

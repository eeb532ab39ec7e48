"""Make a patch: what the new archive has and the old one lacks, and how to put both together."""

from collections.abc import Callable, Iterable
from typing import BinaryIO, Final

from agent.patches import format as patch_format
from agent.patches.format import Copy, Data, Piece
from packages_feed.patches.archive import LARGEST_ENTRY, Archive
from packages_feed.patches.entries import Entry, Unpatchable
from packages_feed.patches.frames import FrameWriter
from packages_feed.patches.levels import Levels, gzip_level
from packages_feed.patches.matching import Match, match_entries

# The contents of changed files as a zstd patch of what they were; or their bytes as they are in
# the archive, for agents without zstd.
ZSTD: Final = "zstd"
FILES: Final = "files"
# The first for agents whose gzip packs as the server's does.
GZIP: Final = "zstd+gzip"
FORMS: Final = (ZSTD, FILES, GZIP)

# A patch that is larger than this part of the new archive is not worth its trouble.
WORTH_WHILE: Final = 0.6
_PIECE: Final = 8 * 1024 * 1024
# Large entries go in parts, each with what the old one had there and so much around it.
_PART: Final = 24 * 1024 * 1024
_WHOLE: Final = 40 * 1024 * 1024
_NEAR: Final = 4 * 1024 * 1024
# How much of what stands between the old entries may be the prefix of every frame.
_DIRECTORY: Final = 16 * 1024 * 1024


def make_patch(
    old: Archive,
    new: Archive,
    file: BinaryIO,
    form: str,
    check: Callable[[], None] = lambda: None,
    *,
    exact: bool = False,
) -> int:
    """Write the patch that makes `new` of `old`; return its size in bytes.

    `check` is called often and may raise to stop. An `exact` one is certain to give `new`, others
    are as good as certain and take half the time. Raises Unpatchable, also when the patch would be
    larger than 60 % of the new archive.
    """
    file.write(patch_format.MAGIC)
    limit = int(new.size * WORTH_WHILE)
    frames = FrameWriter(old, file, limit, is_zstd=form != FILES)
    maker = _Maker(
        old, new, frames, Levels(exact=exact, check=check), check, with_gzip=form == GZIP
    )
    maker.run(match_entries(old, new, check))
    return file.tell()


class _Maker:
    def __init__(
        self,
        old: Archive,
        new: Archive,
        frames: FrameWriter,
        levels: Levels,
        check: Callable[[], None],
        *,
        with_gzip: bool = False,
    ) -> None:
        self._old = old
        self._new = new
        self._frames = frames
        self._check = check
        self._levels = levels
        self._with_gzip = with_gzip
        self._place = 0
        # Where in the old archive the last copy ended.
        self._copied = 0
        last = old.entries[-1].end if old.entries else 0
        if frames.is_zstd and old.size - last <= _DIRECTORY:
            frames.always(Piece(last, old.size - last))

    def run(self, matches: Iterable[Match]) -> None:
        for match in matches:
            self._check()
            self._between(match.entry.start)
            if match.same is not None:
                self._copy(match.same.start, match.same.length)
            else:
                self._changed(match.entry, match.earlier)
            self._place = match.entry.end
        self._between(self._new.size)
        self._frames.flush()

    def _between(self, end: int) -> None:
        """Take over what stands before an entry: headers, and at the end the directory."""
        start, length = self._place, end - self._place
        if length == 0:
            return
        if self._frames.ends_with_copy:
            same = self._old.bytes[self._copied : self._copied + length]
            if same == self._new.bytes[start:end]:
                self._copy(self._copied, length)
                return
        self._data(start, length)

    def _copy(self, offset: int, length: int) -> None:
        self._frames.add(Copy(offset, length))
        self._copied = offset + length

    def _data(self, start: int, length: int) -> None:
        for place in range(start, start + length, _PIECE):
            piece = self._new.bytes[place : min(start + length, place + _PIECE)]
            self._frames.add(Data(len(piece)), piece)

    def _changed(self, entry: Entry, earlier: Entry | None) -> None:
        level: int | None = None
        content: bytes | bytearray = b""
        if self._frames.is_zstd and entry.unpacked <= LARGEST_ENTRY:
            content = self._new.content(entry)
            if entry.size is not None:
                level = self._level_of(entry, content)
        if not content or (level is None and entry.size is not None):
            self._data(entry.start, entry.length)
            return
        for start in range(0, len(content), _PART):
            self._check()
            part = content if len(content) <= _PART else content[start : start + _PART]
            more = level is not None and start + _PART < len(content)
            self._frames.add(Data(len(part), level, more), part, _around(earlier, start))

    def _level_of(self, entry: Entry, content: bytes | bytearray) -> int | None:
        stored = self._new.stored(entry)
        level = self._levels.find(content, stored)
        if level is None and self._with_gzip and self._new.gzip_extra is not None:
            level = gzip_level(content, stored, self._new.gzip_extra, self._check)
        return level


def _around(earlier: Entry | None, start: int) -> Piece | None:
    """Return what the ancestor of an entry has near a place, for it may have moved a little."""
    if earlier is None or earlier.unpacked > LARGEST_ENTRY:
        return None
    first, size = 0, earlier.unpacked
    if size > _WHOLE:
        first = max(0, start - _NEAR)
        size = min(size, start + _PART + _NEAR) - first
    if size <= 0:
        return None
    if earlier.size is None:
        return Piece(earlier.start + first, size)
    return Piece(earlier.start, earlier.length, size, first)


__all__ = ["FILES", "FORMS", "GZIP", "WORTH_WHILE", "ZSTD", "Unpatchable", "make_patch"]

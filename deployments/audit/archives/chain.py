"""Whether the files of the archive are those that were written, all of them and in order. Pure."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from deployments.audit.archives.lines import lines_of

# The bytes of a file by its SHA-256; LookupError when there is none.
Read = Callable[[str], Iterator[bytes]]
# What is wrong with some lines of the file of a link, or nothing.
Compare = Callable[["Link", Sequence[bytes]], str]

_BATCH = 500


@dataclass(frozen=True, slots=True)
class Link:
    """What the database says of one file; `is_sealed` tells that nobody altered it.

    The events of an emptied one are no more in the database, those of an `is_expiring` one go.
    """

    name: str
    sha256: str
    previous: str
    count: int
    is_sealed: bool
    is_deleted: bool = False
    is_emptied: bool = False
    is_expiring: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """`broken` names the first file that is not as it was written, `reason` says why."""

    files: int
    events: int
    deleted: int
    broken: str = ""
    reason: str = ""

    @property
    def is_intact(self) -> bool:
        return not self.broken


def verify(links: Iterable[Link], read: Read, compare: Compare) -> Verdict:
    """Look at every file, the oldest first, and stop at the first one that is not as it was."""
    before, files, events, deleted = "", 0, 0, 0
    for link in links:
        reason = _wrong_row(link, before)
        if not reason and link.is_deleted:
            deleted += 1
        elif not reason:
            reason = _wrong_file(link, read, compare)
            files, events = files + 1, events + link.count
        if reason:
            return Verdict(files, events, deleted, link.name, reason)
        before = link.sha256
    return Verdict(files, events, deleted)


def _wrong_row(link: Link, before: str) -> str:
    if not link.is_sealed:
        return "what the database says of it was altered"
    if link.previous != before:
        return "it does not follow on the file before it; one in between is gone"
    return ""


def _wrong_file(link: Link, read: Read, compare: Compare) -> str:
    digest = hashlib.sha256()

    def pieces() -> Iterator[bytes]:
        for piece in read(link.sha256):
            digest.update(piece)
            yield piece

    try:
        lines = lines_of(pieces())
        first, count, reason = next(lines, b""), 0, ""
        for batch in _batches(lines):
            count += len(batch)
            reason = reason or compare(link, batch)
    except LookupError:
        return "the file is missing"
    except ValueError:
        return "its bytes were altered"
    if digest.hexdigest() != link.sha256 or count != link.count:
        return "its bytes were altered"
    if not _names(first, link.previous):
        return "it names another file before it"
    return reason


def _names(first: bytes, previous: str) -> bool:
    try:
        found = json.loads(first)
    except ValueError:
        return False
    return isinstance(found, dict) and found.get("Previous") == previous


def _batches(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    for text in lines:
        batch.append(text)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch

"""Which entry of the old archive an entry of the new one is the same as, or has come from."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from packages_feed.patches.archive import Archive
from packages_feed.patches.entries import Entry

_BLOCK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Match:
    """An entry of the new archive, and the old one with the same bytes or, else, its ancestor."""

    entry: Entry
    same: Entry | None = None
    earlier: Entry | None = None


def match_entries(
    old: Archive, new: Archive, check: Callable[[], None] = lambda: None
) -> Iterator[Match]:
    """Yield a match for each entry of `new`, in order.

    Bytes are compared, hashes only choose what to compare. The ancestor has the same path or, of
    those that are gone, the same last part of the path.
    """
    by_name = {entry.name: entry for entry in old.entries}
    by_key: dict[int, Entry] = {}
    for entry in old.entries:
        by_key.setdefault(entry.key, entry)
    kept = {entry.name for entry in new.entries}
    gone = {_last(entry.name): entry for entry in old.entries if entry.name not in kept}
    for entry in new.entries:
        check()
        namesake = by_name.get(entry.name)
        same = _same(old, new, entry, namesake, by_key)
        earlier = namesake or gone.get(_last(entry.name))
        yield Match(entry, same, None if same is not None else earlier)


def _same(
    old: Archive,
    new: Archive,
    entry: Entry,
    namesake: Entry | None,
    by_key: dict[int, Entry],
) -> Entry | None:
    # One of several candidates is as good as another, so a hostile archive wins no time.
    for candidate in (namesake, by_key.get(entry.key)):
        if (
            candidate is not None
            and candidate.key == entry.key
            and _equal(old, new, candidate, entry)
        ):
            return candidate
    return None


def _equal(old: Archive, new: Archive, one: Entry, other: Entry) -> bool:
    return one.length == other.length and all(
        old.bytes[one.start + place : min(one.end, one.start + place + _BLOCK)]
        == new.bytes[other.start + place : min(other.end, other.start + place + _BLOCK)]
        for place in range(0, one.length, _BLOCK)
    )


def _last(name: str) -> str:
    return name.rstrip("/").rpartition("/")[2]

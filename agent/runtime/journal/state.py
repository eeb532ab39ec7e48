"""What the journal's records add up to; pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Phase = Literal["accepted", "starting", "finished", "released", "cancelled"]
Record = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A command; `at` is unix time and only ages tombstones (released and cancelled)."""

    id: str
    phase: Phase
    at: float
    hash: str | None = None
    run: dict[str, Any] = field(default_factory=dict)
    packages: list[dict[str, Any]] = field(default_factory=list)
    result: dict[str, Any] | None = None

    @property
    def is_tombstone(self) -> bool:
        return self.phase in ("released", "cancelled")


class JournalState:
    """All entries by id and the number of records ever written."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.high = 0

    def apply(self, record: Record) -> None:
        """Take in one record; records of unknown type are skipped (a newer agent wrote them)."""
        kind = record.get("t")
        if kind == "base":
            self.high = record["high"]
            return
        if kind == "entry":
            self._put(_entry(record))
            return
        self.high += 1
        known = self.entries.get(record.get("id", ""))
        if kind == "accepted":
            self._put(replace(_entry(record), phase="accepted"))
        elif kind == "cancelled" and known is None:
            self._put(Entry(id=record["id"], phase="cancelled", at=record["at"]))
        elif known is None:
            return
        elif kind == "starting":
            packages = record.get("packages") or []
            self._put(replace(known, phase="starting", packages=packages))
        elif kind == "finished":
            result = record["result"]
            self._put(replace(known, phase="finished", at=record["at"], result=result))
        elif kind == "released":
            done = Entry(id=known.id, phase="released", at=record["at"], hash=known.hash)
            self._put(done)

    def snapshot(self) -> Iterator[Record]:
        """Yield the records that rebuild this state."""
        yield {"t": "base", "high": self.high}
        for entry in self.entries.values():
            values = {
                "t": "entry",
                "id": entry.id,
                "phase": entry.phase,
                "at": entry.at,
                "hash": entry.hash,
            }
            if not entry.is_tombstone:
                values |= {"run": entry.run, "packages": entry.packages, "result": entry.result}
            yield values

    def forget(self, *, before: float, keep: int) -> None:
        """Drop tombstones older than a unix time, except the newest `keep` of them."""
        stones = [entry for entry in self.entries.values() if entry.is_tombstone]
        stones.sort(key=lambda entry: entry.at, reverse=True)
        for entry in stones[keep:]:
            if entry.at < before:
                del self.entries[entry.id]

    def _put(self, entry: Entry) -> None:
        self.entries[entry.id] = entry


def _entry(record: Record) -> Entry:
    return Entry(
        id=record["id"],
        phase=record.get("phase", "accepted"),
        at=record["at"],
        hash=record.get("hash"),
        run=record.get("run") or {},
        packages=record.get("packages") or [],
        result=record.get("result"),
    )

"""What groups hold while a pattern is matched: their last texts, and those before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

# Where the last text begins and ends, and the texts before it as pairs in one another.
SLOTS_OF_GROUP: Final = 3
NO_TEXT: Final = -1

# The slots of all groups, then what is only kept for a while.
Slots: TypeAlias = tuple[Any, ...]
Span: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Again:
    """How the text of a group comes once more."""

    ignore_case: bool
    backward: bool


def start_slots(count: int) -> Slots:
    """Return the slots before anything matched."""
    return (NO_TEXT,) * count


def span_of(slots: Slots, place: int) -> Span:
    """Return where the last text of a group begins and ends, -1 when it has none."""
    at = SLOTS_OF_GROUP * place
    return slots[at], slots[at + 1]


def close(slots: Slots, place: int, start: int, end: int) -> Slots:
    """Give a group its next text; read backward, the end was met first."""
    at = SLOTS_OF_GROUP * place
    earlier = NO_TEXT if slots[at] == NO_TEXT else slots[at : at + SLOTS_OF_GROUP]
    return (*slots[:at], min(start, end), max(start, end), earlier, *slots[at + SLOTS_OF_GROUP :])


def take_back(slots: Slots, taken: int, gaining: int | None, span: Span) -> Slots | None:
    """Take the last text from a group, and give another the text between; None if it has none."""
    last_start, last_end = span_of(slots, taken)
    if last_start == NO_TEXT:
        return None
    at = SLOTS_OF_GROUP * taken
    earlier = slots[at + 2]
    left = (NO_TEXT,) * SLOTS_OF_GROUP if earlier == NO_TEXT else earlier
    slots = (*slots[:at], *left, *slots[at + SLOTS_OF_GROUP :])
    if gaining is None:
        return slots
    start, end = min(span), max(span)
    if start >= last_end:
        start, end = last_end, start
    elif end <= last_start:
        start = last_start
    else:
        start, end = max(start, last_start), min(end, last_end)
    return close(slots, gaining, start, end)

"""How far roles reach: what each is limited to, in each dimension; fewer that reach the same.

Somebody in twenty teams has twenty assignments, which mostly differ in their projects alone. A
filter of rows has one condition for each reach, and the database tries all of them on every row.
"""

from collections.abc import Hashable, Iterable

# What is reached in each dimension; None where the reach is not limited in it.
Reach = tuple[frozenset[Hashable] | None, ...]


def joined(reaches: Iterable[Reach]) -> list[Reach]:
    """Return fewer that reach the same: those that differ in one dimension become one.

    All of them have the same dimensions in the same order.
    """
    found = list(dict.fromkeys(reaches))
    for at in range(len(found[0]) if found else 0):
        alike: dict[Reach, list[frozenset[Hashable] | None]] = {}
        for reach in found:
            alike.setdefault((*reach[:at], *reach[at + 1 :]), []).append(reach[at])
        found = [(*others[:at], _union(each), *others[at:]) for others, each in alike.items()]
    return found


def is_unlimited(reach: Reach) -> bool:
    """Tell whether the reach is limited in no dimension."""
    return all(values is None for values in reach)


def _union(values: Iterable[frozenset[Hashable] | None]) -> frozenset[Hashable] | None:
    found: frozenset[Hashable] = frozenset()
    for each in values:
        if each is None:
            return None
        found |= each
    return found

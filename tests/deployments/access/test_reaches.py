"""Joining what roles reach: fewer reaches, and the same places in them."""

import random
from itertools import product

import pytest

from deployments.access.reaches import Reach, joined


def reach(*dimensions: str | None) -> Reach:
    """Return a reach; each letter of a text is a value, None is no limit."""
    return tuple(None if text is None else frozenset(text) for text in dimensions)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], []),
        ([reach("a", "x")], [reach("a", "x")]),
        ([reach("a", "x"), reach("b", "x")], [reach("ab", "x")]),
        ([reach("a", "x"), reach("a", "y")], [reach("a", "xy")]),
        ([reach("a", "x"), reach("b", "y")], [reach("a", "x"), reach("b", "y")]),
        ([reach("a", "x"), reach(None, "x")], [reach(None, "x")]),
        ([reach("a", "x"), reach("b", "x"), reach("ab", "y")], [reach("ab", "xy")]),
        ([reach("a", None), reach(None, None)], [reach(None, None)]),
        ([reach("", "x"), reach("a", "x")], [reach("a", "x")]),
    ],
)
def test_joined(given: list[Reach], expected: list[Reach]) -> None:
    assert joined(given) == expected


def test_joining_changes_no_place() -> None:
    chance = random.Random(20261129)

    def some(values: str) -> str | None:
        return None if chance.random() < 0.2 else "".join(chance.sample(values, 2))

    for _ in range(300):
        given = [reach(some("abcd"), some("xyz"), some("pq")) for _ in range(6)]
        found = joined(given)
        assert len(found) <= len(given)
        for place in product("abcd", "xyz", "pq"):
            assert covers(found, place) == covers(given, place), (given, place)


def covers(reaches: list[Reach], place: tuple[str, ...]) -> bool:
    return any(
        all(values is None or value in values for value, values in zip(place, each, strict=True))
        for each in reaches
    )

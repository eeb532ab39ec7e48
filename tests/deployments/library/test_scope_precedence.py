"""Which value wins, for random values and places, against a slow and obvious reference.

The reference knows the ranks of Octopus's documentation as typed here, and nothing of the product:
it walks every value of every dimension, and compares each value with every other one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from deployments.library.scoping import (
    Candidate,
    ScopeContext,
    parse_scope,
    resolve_all,
    winning,
)

# What a value is worth for each dimension that it names; one that the step asks for counts for
# more among the tags of a target.
WORTH: Final = {
    "Action": 10_000_000,
    "Machine": 1_000_000,
    "Tenant": 1001,
    "TenantTag": 1000,
    "Environment": 100,
    "Channel": 10,
    "ProcessOwner": 5,
    "Project": 1,
}
WORTH_OF_TAG, WORTH_OF_TARGETED_TAG = 10_000, 100_000
WORDS: Final = ("a", "b", "C")
DIMENSIONS: Final = (*WORTH, "Role")


@dataclass(frozen=True)
class Value:
    """A value as somebody wrote it."""

    id: str
    name: str
    scope: Mapping[str, Sequence[str]]
    source: int
    extra: int


@dataclass(frozen=True)
class Where:
    """A place: what stands there in each dimension, and the tags that the step asks for."""

    here: Mapping[str, Sequence[str]]
    targeted: Sequence[str] = field(default_factory=list)


def same(one: str, other: str) -> bool:
    return one.upper() == other.upper()


def has(words: Sequence[str], word: str) -> bool:
    return any(same(each, word) for each in words)


def worth(value: Value, place: Where) -> int | None:
    """Return what the value is worth at the place, None where it does not count."""
    total = value.extra
    for dimension, wanted in value.scope.items():
        if not wanted:
            continue
        found = [word for word in wanted if has(place.here.get(dimension, ()), word)]
        if not found:
            return None
        if dimension != "Role":
            total += WORTH[dimension]
        elif any(has(place.targeted, word) for word in found):
            total += WORTH_OF_TARGETED_TAG
        else:
            total += WORTH_OF_TAG
    return total


def beats(one: tuple[int, int, int], other: tuple[int, int, int]) -> bool:
    """Compare (worth, source, place in the list)."""
    if one[0] != other[0]:
        return one[0] > other[0]
    if one[1] != other[1]:
        return one[1] < other[1]
    return one[2] < other[2]


def reference(values: Sequence[Value], place: Where) -> dict[str, list[str]]:
    """Return by name in lower case the ids of the values that count, the best one first."""
    found: dict[str, list[str]] = {}
    standing = {
        value.id: (value_worth, value.source, position)
        for position, value in enumerate(values)
        if (value_worth := worth(value, place)) is not None
    }
    for value in values:
        if value.id not in standing:
            continue
        others = [v for v in values if v.id in standing and same(v.name, value.name)]
        if value.name.lower() in found:
            continue
        ordered: list[str] = []
        while len(ordered) < len(others):
            left = [v for v in others if v.id not in ordered]
            best = left[0]
            for each in left:
                if beats(standing[each.id], standing[best.id]):
                    best = each
            ordered.append(best.id)
        found[value.name.lower()] = ordered
    return found


words = st.lists(st.sampled_from((*WORDS, "A", "c")), max_size=2)
scopes = st.dictionaries(st.sampled_from(DIMENSIONS), words, max_size=4)


@st.composite
def all_values(draw: st.DrawFn) -> list[Value]:
    count = draw(st.integers(min_value=0, max_value=8))
    return [
        Value(
            f"v{number}",
            draw(st.sampled_from(("Port", "port", "Url"))),
            draw(scopes),
            draw(st.integers(min_value=0, max_value=2)),
            draw(st.sampled_from((0, 0, 0, 100_000_000))),
        )
        for number in range(count)
    ]


@st.composite
def places(draw: st.DrawFn) -> Where:
    singles = [name for name in DIMENSIONS if name not in ("Role", "TenantTag")]
    here: dict[str, Sequence[str]] = {
        name: [draw(st.sampled_from(WORDS))] for name in singles if draw(st.booleans())
    }
    here["TenantTag"] = draw(words)
    here["Role"] = draw(words)
    return Where(here, draw(words))


def candidates_of(values: Sequence[Value]) -> list[Candidate]:
    return [
        Candidate(
            id=value.id,
            name=value.name,
            value=value.id,
            scope=parse_scope(value.scope),
            position=position,
            source=value.source,
            extra_rank=value.extra,
        )
        for position, value in enumerate(values)
    ]


def context_of(place: Where) -> ScopeContext:
    def one(name: str) -> str | None:
        return next(iter(place.here.get(name, ())), None)

    return ScopeContext(
        environment=one("Environment"),
        machine=one("Machine"),
        roles=frozenset(place.here["Role"]),
        target_roles=frozenset(place.targeted),
        action=one("Action"),
        channel=one("Channel"),
        tenant=one("Tenant"),
        tenant_tags=frozenset(place.here["TenantTag"]),
        process_owner=one("ProcessOwner"),
        project=one("Project"),
    )


@given(all_values(), places())
def test_precedence(values: list[Value], place: Where) -> None:
    expected = reference(values, place)
    context = context_of(place)
    winners = resolve_all(candidates_of(values), context)
    found = {
        name.lower(): [won.candidate.id, *(each.candidate.id for each in won.overruled)]
        for name, won in winners.items()
    }
    assert found == expected
    for name, won in winners.items():
        standing = [worth(v, place) for v in values if same(v.name, name)]
        assert won.rank == max(each for each in standing if each is not None)
        tied = [each for each in won.overruled if each.rank == won.rank]
        assert len(tied) == standing.count(won.rank) - 1
    quick = winning(candidates_of(values), context)
    assert {name: each.id for name, each in quick.items()} == {
        name: ids[0] for name, ids in expected.items()
    }


@given(all_values(), places(), st.randoms(use_true_random=False))
def test_the_order_of_asking_changes_nothing(
    values: list[Value], place: Where, random: Random
) -> None:
    candidates, context = candidates_of(values), context_of(place)
    before = {name: won.candidate.id for name, won in resolve_all(candidates, context).items()}
    random.shuffle(candidates)
    assert {n: won.candidate.id for n, won in resolve_all(candidates, context).items()} == before
    away = [each for each in candidates if worth(values[each.position], place) is None]
    kept = [each for each in candidates if each not in away]
    assert {n: won.candidate.id for n, won in resolve_all(kept, context).items()} == before

"""Which value of a variable counts, against the table of cases."""

import time
from typing import Any

import pytest

from deployments.library.scoping import (
    Candidate,
    ScopeContext,
    parse_scope,
    resolve,
    resolve_all,
    winning,
)
from tests.support.cases import case_name, cases


def context_of(document: dict[str, Any]) -> ScopeContext:
    fields: dict[str, Any] = {
        name: frozenset(value) if isinstance(value, list) else value
        for name, value in document.items()
    }
    return ScopeContext(**fields)


@pytest.mark.parametrize("case", cases("scoping", "resolve"), ids=case_name)
def test_resolve(case: dict[str, Any]) -> None:
    candidates = [
        Candidate(
            id=value["id"],
            name="Name",
            value=value["id"],
            scope=parse_scope(value["scope"]),
            position=position,
            source=value.get("source", 0),
            extra_rank=value.get("extra_rank", 0),
        )
        for position, value in enumerate(case["values"])
    ]
    context = context_of(case["context"])
    winner = resolve("NAME", candidates, context)
    assert (winner.candidate.id if winner else None) == case["winner"]
    alone = winning(reversed(candidates), context)
    assert [candidate.id for candidate in alone.values()] == [case["winner"]] * len(alone)
    assert len(alone) == (winner is not None)
    if winner is None:
        return
    if "rank" in case:
        assert winner.rank == case["rank"]
    if "overruled" in case:
        assert [ranked.candidate.id for ranked in winner.overruled] == case["overruled"]
    if "tie" in case:
        assert any(each.rank == winner.rank for each in winner.overruled) is case["tie"]


def test_names_ignore_case_and_keep_the_winners_spelling() -> None:
    candidates = [
        Candidate("a", "db", "1", position=0),
        Candidate("b", "DB", "2", parse_scope({"Environment": ["Environments-1"]}), position=1),
    ]
    winners = resolve_all(candidates, ScopeContext(environment="environments-1"))
    assert {name: winner.candidate.id for name, winner in winners.items()} == {"DB": "b"}
    alone = winning(candidates, ScopeContext(environment="environments-1"))
    assert {name: candidate.id for name, candidate in alone.items()} == {"db": "b"}


def test_thousands_of_variables_resolve_at_once() -> None:
    candidates = [
        Candidate(
            str(number),
            f"Name{number // 4}",
            "x",
            parse_scope({"Environment": [f"Environments-{number % 4}"], "Role": ["web"]}),
            number,
        )
        for number in range(20_000)
    ]
    context = ScopeContext(environment="Environments-1", roles=frozenset({"web"}))
    started = time.process_time()
    assert len(resolve_all(candidates, context)) == 5_000
    assert time.process_time() - started < 1.5

"""Values that compete at a place, and which of them a reader may be shown.

All compete, also those that the reader may not see: one that is hidden and wins has no value for
the reader, instead of leaving its place to one that a deployment would not use.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from deployments.base.actor import Actor
from deployments.library.models import VariableSet
from deployments.library.queries import candidates_of, sight_of, variables_of
from deployments.library.scoping import Candidate, ScopeContext, winning

# What stands for a secret, whoever looks.
DOTS: Final = "••••••••"

# What tells a candidate from all others: its source and its id there.
CandidateId = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Seen:
    """What the reader may know of the candidates: those to be seen, and where all come from."""

    ids: Collection[CandidateId]
    origins: Mapping[CandidateId, str]

    def value(self, candidate: Candidate) -> str | None:
        """Return the value as it may be shown."""
        if id_of(candidate) not in self.ids:
            return None
        return DOTS if candidate.is_sensitive else candidate.value or ""

    def scope(self, candidate: Candidate) -> Mapping[str, frozenset[str]]:
        """Return the scope; none of a value that may not be shown."""
        return candidate.scope if id_of(candidate) in self.ids else {}

    def origin(self, candidate: Candidate) -> str:
        """Return where the value comes from, in words."""
        return self.origins.get(id_of(candidate), "")


def id_of(candidate: Candidate) -> CandidateId:
    """Return what tells the candidate from all others."""
    return candidate.source, candidate.id


def competing(
    actor: Actor, sources: Iterable[tuple[VariableSet, str]]
) -> tuple[list[Candidate], set[CandidateId], dict[CandidateId, str]]:
    """Return the values of sets given with words for them: all, which may be seen, whence each."""
    candidates: list[Candidate] = []
    seen: set[CandidateId] = set()
    origins: dict[CandidateId, str] = {}
    for source, (variable_set, words) in enumerate(sources):
        rows, is_visible = variables_of(variable_set), sight_of(actor, variable_set)
        found = candidates_of(rows, variable_set, source=source)
        candidates += found
        origins |= {id_of(each): words for each in found}
        seen |= {id_of(each) for row, each in zip(rows, found, strict=True) if is_visible(row)}
    return candidates, seen, origins


def shown_values(
    candidates: Iterable[Candidate], context: ScopeContext, seen: Seen
) -> dict[str, str]:
    """Return the values that win at a place; a secret is dots, a hidden one is missing."""
    found = ((each.name, seen.value(each)) for each in winning(candidates, context).values())
    return {name: value for name, value in found if value is not None}

"""Which of several values of a variable counts: scopes against a context; pure.

A scope names values in dimensions: one of each dimension must fit, an unscoped value always
fits. The rank of a fitting value is the sum of its dimensions' weights, so that the more
specific one wins; equal ranks fall to the earlier source, then the earlier position.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

PROMPTED_RANK: Final = 100_000_000
# Above prompted values and every scope.
PASSED_RANK: Final = 200_000_000
TARGET_ROLE_RANK: Final = 100_000
ROLE_RANK: Final = 10_000

# Only the dimensions that a value may be scoped to; a role is judged on its own.
RANKS: Final[Mapping[str, int]] = {
    "Action": 10_000_000,
    "Machine": 1_000_000,
    "Tenant": 1001,
    "TenantTag": 1000,
    "Environment": 100,
    "Channel": 10,
    "ProcessOwner": 5,
    "Project": 1,
}
DIMENSIONS: Final = (*RANKS, "Role")

Scope = Mapping[str, frozenset[str]]


def parse_scope(document: Mapping[str, Iterable[str]]) -> dict[str, frozenset[str]]:
    """Return the scope of a stored variable, ignoring case and empty dimensions."""
    return {
        name: frozenset(value.lower() for value in values)
        for name, values in document.items()
        if values
    }


_EVERYWHERE: Final[Scope] = {}


class Candidate(NamedTuple):
    """One value of a name. `source` is 0 for the project, then the included sets in order.

    `sealed` (base64) with `place` stands in for the value of a sensitive one. `extra_rank` puts
    prompted and built-in values above all scopes. A tuple, because each step of a deployment reads
    them all, thousands at times, and a frozen dataclass takes twice as long to make.
    """

    id: str
    name: str
    value: str | None
    scope: Scope = _EVERYWHERE
    position: int = 0
    source: int = 0
    kind: str = "String"
    is_sensitive: bool = False
    sealed: str | None = None
    place: str = ""
    extra_rank: int = 0


@dataclass(frozen=True, slots=True)
class ScopeContext:
    """Where a value is asked for. What has no meaning there is None or empty and never fits.

    `target_roles` are those that the step asks for; `roles` those of the machine.
    """

    environment: str | None = None
    machine: str | None = None
    roles: frozenset[str] = frozenset()
    target_roles: frozenset[str] = frozenset()
    action: str | None = None
    channel: str | None = None
    tenant: str | None = None
    tenant_tags: frozenset[str] = frozenset()
    process_owner: str | None = None
    project: str | None = None

    def present(self) -> dict[str, frozenset[str]]:
        """Return the values per dimension, in lower case."""
        single = {
            "Environment": self.environment,
            "Machine": self.machine,
            "Action": self.action,
            "Channel": self.channel,
            "Tenant": self.tenant,
            "ProcessOwner": self.process_owner,
            "Project": self.project,
        }
        values = {name: frozenset({text.lower()}) for name, text in single.items() if text}
        values["TenantTag"] = _lower(self.tenant_tags)
        values["Role"] = _lower(self.roles)
        values["TargetRole"] = _lower(self.target_roles) & _lower(self.roles)
        return values


@dataclass(frozen=True, slots=True)
class Ranked:
    """A value that fits, with the rank it has in the context."""

    candidate: Candidate
    rank: int


@dataclass(frozen=True, slots=True)
class Winner:
    """The value that counts and, best first, those it overrules."""

    candidate: Candidate
    rank: int
    overruled: tuple[Ranked, ...] = ()


def rank(candidate: Candidate, context: ScopeContext) -> int | None:
    """Return the candidate's rank in the context, or None when it does not fit."""
    return _rank(candidate, context.present())


def resolve_all(candidates: Iterable[Candidate], context: ScopeContext) -> dict[str, Winner]:
    """Return the winner of every name that has one, under the name as the winner writes it."""
    present = context.present()
    fitting: dict[str, list[Ranked]] = {}
    for candidate in candidates:
        found = _rank(candidate, present)
        if found is not None:
            fitting.setdefault(candidate.name.lower(), []).append(Ranked(candidate, found))
    return {ranked[0].candidate.name: _winner(ranked) for ranked in map(_ordered, fitting.values())}


def winning(candidates: Iterable[Candidate], context: ScopeContext) -> dict[str, Candidate]:
    """Return by name in lower case what `resolve_all` lets win, without what it overrules."""
    present = context.present()
    best: dict[str, tuple[int, Candidate]] = {}
    for candidate in candidates:
        found = _rank(candidate, present) if candidate.scope else candidate.extra_rank
        if found is None:
            continue
        name = candidate.name.lower()
        known = best.get(name)
        if known is None or _order(found, candidate) < _order(*known):
            best[name] = found, candidate
    return {name: candidate for name, (_, candidate) in best.items()}


def resolve(name: str, candidates: Iterable[Candidate], context: ScopeContext) -> Winner | None:
    """Return the winner of one name, ignoring the name's case."""
    wanted = name.lower()
    same = [candidate for candidate in candidates if candidate.name.lower() == wanted]
    return next(iter(resolve_all(same, context).values()), None)


def _rank(candidate: Candidate, present: Mapping[str, frozenset[str]]) -> int | None:
    total = candidate.extra_rank
    for dimension, values in candidate.scope.items():
        here = present.get(dimension)
        if not here or values.isdisjoint(here):
            return None
        if dimension == "Role":
            targeted = not values.isdisjoint(present["TargetRole"])
            total += TARGET_ROLE_RANK if targeted else ROLE_RANK
        else:
            total += RANKS.get(dimension, 0)
    return total


def _ordered(ranked: list[Ranked]) -> list[Ranked]:
    if len(ranked) > 1:
        ranked.sort(key=lambda each: _order(each.rank, each.candidate))
    return ranked


def _order(rank: int, candidate: Candidate) -> tuple[int, int, int]:
    return -rank, candidate.source, candidate.position


def _winner(ranked: list[Ranked]) -> Winner:
    best = ranked[0]
    return Winner(best.candidate, best.rank, tuple(ranked[1:]))


def _lower(values: Iterable[str]) -> frozenset[str]:
    return frozenset(value.lower() for value in values)

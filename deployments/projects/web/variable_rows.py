"""Variables as the table draws them: values by name, scopes in words, who wins and why."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from deployments.library.models import Variable, VariableSet
from deployments.library.queries import candidates_of
from deployments.library.scoping import RANKS, ScopeContext, Winner, parse_scope, resolve_all

_WORDS = {
    "Environment": "environment",
    "Machine": "target",
    "Role": "target tag",
    "Action": "step",
    "Channel": "channel",
    "Tenant": "tenant",
    "TenantTag": "tenant tag",
}
_PREFIXES = {
    "Role": "tag: ",
    "Machine": "target: ",
    "Action": "step: ",
    "Channel": "channel: ",
    "TenantTag": "tenants: ",
}
# Which dimension is named first when several do not fit.
_ORDER = ("Environment", "Role", "Machine", "Channel", *RANKS)


@dataclass(frozen=True)
class ValueRow:
    """One value of a name; `verdict` is empty when nobody asked who wins."""

    variable: Variable
    scopes: tuple[str, ...]
    verdict: str = ""
    wins: bool = False
    may_edit: bool = False

    @property
    def type_name(self) -> str:
        if self.variable.is_sensitive:
            return "Sensitive"
        return {"String": "Text"}.get(self.variable.kind, self.variable.kind)


@dataclass(frozen=True)
class NameRows:
    """All shown values of one name."""

    name: str
    rows: tuple[ValueRow, ...]
    has_no_value: bool = False


ScopeNames = Mapping[str, Mapping[str, str]]


def scope_words(scope: Mapping[str, Iterable[str]], names: ScopeNames) -> tuple[str, ...]:
    """Return a scope's values in words; `names` maps a dimension's values to them."""
    words = []
    for dimension, values in scope.items():
        known = names.get(dimension, {})
        prefix = _PREFIXES.get(dimension, "")
        words += [f"{prefix}{known.get(value.lower(), value)}" for value in values]
    return tuple(words)


def verdicts(
    variables: list[Variable], variable_set: VariableSet, context: ScopeContext
) -> dict[str, tuple[str, bool]]:
    """Return by variable id what becomes of each value in the context, and whether it wins."""
    candidates = candidates_of(variables, variable_set)
    winners = {name.lower(): won for name, won in resolve_all(candidates, context).items()}
    same: dict[str, int] = {}
    for candidate in candidates:
        key = candidate.name.lower()
        same[key] = same.get(key, 0) + 1
    found: dict[str, tuple[str, bool]] = {}
    for candidate in candidates:
        winner = winners.get(candidate.name.lower())
        if winner is not None and winner.candidate.id == candidate.id:
            found[candidate.id] = (_why(winner, same[candidate.name.lower()]), True)
        elif winner is not None and any(r.candidate.id == candidate.id for r in winner.overruled):
            tied = any(
                r.candidate.id == candidate.id and r.rank == winner.rank for r in winner.overruled
            )
            found[candidate.id] = (
                "Same scope, later in the list" if tied else "Less specific",
                False,
            )
        else:
            found[candidate.id] = (_misfit(candidate.scope, context), False)
    return found


def _why(winner: Winner, total: int) -> str:
    if total == 1:
        return "Wins: only value"
    dimensions = [
        _WORDS[name] for name in _ORDER if name in winner.candidate.scope and name in _WORDS
    ]
    named = list(dict.fromkeys(dimensions))
    return f"Wins: {' and '.join(named)}" if named else "Wins: default"


def _misfit(scope: Mapping[str, frozenset[str]], context: ScopeContext) -> str:
    present = context.present()
    for dimension in _ORDER:
        values = scope.get(dimension)
        here = present.get(dimension, frozenset())
        if values and values.isdisjoint(here):
            return f"{'Other' if here else 'Needs a'} {_WORDS.get(dimension, dimension.lower())}"
    return "Does not fit"


def grouped(rows: Iterable[ValueRow]) -> list[NameRows]:
    """Return the rows by name, ignoring case, in the order of names."""
    by_name: dict[str, list[ValueRow]] = {}
    for row in rows:
        by_name.setdefault(row.variable.name.lower(), []).append(row)
    return [
        NameRows(
            name=found[0].variable.name,
            rows=tuple(found),
            has_no_value=bool(found[0].verdict) and not any(row.wins for row in found),
        )
        for _, found in sorted(by_name.items())
    ]


def fits_scope(variable: Variable, dimension: str, value: str) -> bool:
    """Tell whether a value is scoped to this (or to nothing in the dimension)."""
    values = parse_scope(variable.scope).get(dimension)
    return values is None or value.lower() in values

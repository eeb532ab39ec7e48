"""Variables as the table draws them: values by name, scopes in words, who wins and why."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

from deployments.library.models import LibraryVariableSet, Variable, VariableSet
from deployments.library.queries import candidates_of
from deployments.library.scoping import (
    RANKS,
    Candidate,
    ScopeContext,
    Winner,
    parse_scope,
    resolve_all,
)
from deployments.projects.web.values.kinds import SENSITIVE, words_of

_WORDS = {
    "Environment": "environment",
    "Machine": "target",
    "Role": "target tag",
    "Action": "step",
    "Channel": "channel",
    "Tenant": "tenant",
    "TenantTag": "tenant tag",
    "ProcessOwner": "process",
}
_PREFIXES = {
    "Role": "tag: ",
    "Machine": "target: ",
    "Action": "step: ",
    "Channel": "channel: ",
    "TenantTag": "tenants: ",
    "ProcessOwner": "process: ",
}
# Which dimension is named first when several do not fit.
_ORDER = ("Environment", "Role", "Machine", "Channel", *RANKS)


@dataclass(frozen=True)
class ValueRow:
    """One value of a name; `verdict` is empty when nobody asked who wins.

    `library` is the set that it comes from when it is not the owner's, `choice` the name of what
    the value chose, and `note` says why its scope never fits.
    """

    variable: Variable
    scopes: tuple[str, ...]
    verdict: str = ""
    wins: bool = False
    may_edit: bool = False
    library: LibraryVariableSet | None = None
    choice: str = ""
    note: str = ""

    @property
    def type_name(self) -> str:
        return words_of(SENSITIVE if self.variable.is_sensitive else self.variable.kind)


@dataclass(frozen=True)
class NameRows:
    """All shown values of one name."""

    name: str
    rows: tuple[ValueRow, ...]
    has_no_value: bool = False

    @property
    def key(self) -> str:
        """What tells the name from the others on the page."""
        return self.rows[0].variable.guid


# A name in lower case with its values, each with the number of its source.
FoundName = tuple[str, list[tuple[int, Variable]]]
# A source and the id of a variable in it.
Place = tuple[int, str]
ScopeNames = Mapping[str, Mapping[str, str]]


def scope_words(scope: Mapping[str, Iterable[str]], names: ScopeNames) -> tuple[str, ...]:
    """Return a scope's values in words; `names` maps a dimension's values to them."""
    words = []
    for dimension, values in scope.items():
        known = names.get(dimension, {})
        prefix = _PREFIXES.get(dimension, "")
        words += [f"{prefix}{known.get(value.lower(), value)}" for value in values]
    return tuple(words)


def never_fits(scope: Mapping[str, Iterable[str]], steps: Mapping[str, frozenset[str]]) -> str:
    """Return why nothing is ever in the scope, else nothing.

    `steps` are those of each process that the reader sees, by its owner. A step belongs to one
    process, and while a runbook runs there is no channel.
    """
    asked = parse_scope(scope)
    owners, actions = asked.get("ProcessOwner"), asked.get("Action")
    if actions:
        owners = _holding(actions, owners, steps)
        if owners is not None and not owners:
            return "Never fits: the step is of another process"
    if asked.get("Channel") and owners and all(each.startswith("runbooks-") for each in owners):
        return "Never fits: runbooks have no channel"
    return ""


def _holding(
    actions: frozenset[str], owners: frozenset[str] | None, steps: Mapping[str, frozenset[str]]
) -> frozenset[str] | None:
    """Return of the owners, or of all, those that may have one of the steps; None: any may.

    A process that the reader does not see may have them.
    """
    if owners:
        return frozenset(each for each in owners if each not in steps or steps[each] & actions)
    if actions <= frozenset().union(*steps.values()):
        return frozenset(owner for owner, ids in steps.items() if ids & actions)
    return None


def verdicts(
    sources: Sequence[tuple[VariableSet, list[Variable]]],
    context: ScopeContext,
    others: Sequence[Candidate] = (),
) -> dict[Place, tuple[str, bool]]:
    """Return by source and variable id what becomes of each value, and whether it wins.

    The first source is the owner's, the others are the library sets that it includes. `others` are
    what the tenant filled in; the table does not have it.
    """
    candidates = [
        each
        for source, (variable_set, rows) in enumerate(sources)
        for each in candidates_of(rows, variable_set, source=source)
    ]
    resolved = resolve_all([*candidates, *others], context)
    winners = {name.lower(): won for name, won in resolved.items()}
    filled = {_place(each) for each in others}
    total = Counter(candidate.name.lower() for candidate in candidates)
    found: dict[Place, tuple[str, bool]] = {}
    for candidate in candidates:
        name, place = candidate.name.lower(), _place(candidate)
        winner = winners.get(name)
        if winner is not None and _place(winner.candidate) == place:
            found[place] = (_why(winner, total[name]), True)
            continue
        overruled = winner.overruled if winner else ()
        lost = next((r for r in overruled if _place(r.candidate) == place), None)
        if winner is None or lost is None:
            found[place] = (_misfit(candidate.scope, context), False)
        elif _place(winner.candidate) in filled:
            found[place] = ("The tenant's own value wins", False)
        elif lost.rank < winner.rank:
            found[place] = ("Less specific", False)
        elif candidate.source != winner.candidate.source:
            which = "a later" if winner.candidate.source else "a variable"
            found[place] = (f"Equally specific, from {which} set", False)
        else:
            found[place] = ("Equally specific, later in the list", False)
    return found


def _place(candidate: Candidate) -> Place:
    return candidate.source, candidate.id


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
            words = _WORDS.get(dimension, dimension.lower())
            article = "an" if words[0] in "aeiou" else "a"
            return f"Other {words}" if here else f"Needs {article} {words}"
    return "Does not fit"


def by_name(sources: Iterable[Iterable[Variable]]) -> list[FoundName]:
    """Return the values of each name, ignoring case, in the order of names."""
    found: dict[str, list[tuple[int, Variable]]] = {}
    for source, rows in enumerate(sources):
        for row in rows:
            found.setdefault(row.name.lower(), []).append((source, row))
    return sorted(found.items(), key=itemgetter(0))


def named_rows(values: Iterable[ValueRow]) -> NameRows:
    """Return the values of one name, at least one, under the spelling of the first."""
    rows = tuple(values)
    return NameRows(
        name=rows[0].variable.name,
        rows=rows,
        has_no_value=bool(rows[0].verdict) and not any(row.wins for row in rows),
    )


def fits_scope(variable: Variable, dimension: str, value: str) -> bool:
    """Tell whether a value is scoped to this (or to nothing in the dimension)."""
    values = parse_scope(variable.scope).get(dimension)
    return values is None or value.lower() in values

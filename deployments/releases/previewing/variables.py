"""Variables of a project as one deployment would see them, and templates tried with them.

Nothing is deployed: the project's values are taken as they are now, secrets stay closed, and what
only a running deployment knows (outputs, the release) is missing.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from agent.language import Evaluation, LanguageError, evaluate
from agent.language import VariableSet as TemplateVariables
from agent.language.checking import LONGEST
from deployments.library.scoping import Candidate, ScopeContext, Winner, resolve_all
from deployments.projects.process import Action, is_sealed
from deployments.projects.seen_values import DOTS, Seen
from deployments.projects.template_tries import TRYING

SYSTEM: Final = "System"
SETTINGS: Final = "Settings of the step"
# Seconds for all values of one page.
_PATIENCE: Final = 3.0


@dataclass(frozen=True, slots=True)
class Overruled:
    """A value that fits too, and lost; `value` is None when the reader may not see it."""

    value: str | None
    origin: str
    scope: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Previewed:
    """One variable: the value as written and as evaluated; None when the reader may not see it."""

    name: str
    origin: str
    raw: str | None
    scope: Mapping[str, frozenset[str]]
    is_sensitive: bool = False
    overruled: tuple[Overruled, ...] = ()
    text: str = ""
    problem: str = ""


def preview(
    candidates: Iterable[Candidate],
    context: ScopeContext,
    system: Mapping[str, str],
    seen: Seen,
) -> list[Previewed]:
    """Return every variable by name, not yet evaluated; names of which nothing may be seen are
    left out. System values overrule the others, as they do in a deployment."""
    given = {name.lower() for name in system}
    rows = [Previewed(name, SYSTEM, text, {}) for name, text in system.items()]
    for name, winner in resolve_all(candidates, context).items():
        if name.lower() not in given and (row := _row(name, winner, seen)):
            rows.append(row)
    return sorted(rows, key=lambda row: row.name.lower())


def with_settings(rows: Iterable[Previewed], action: Action) -> list[Previewed]:
    """Return the rows with the settings of a step, which overrule all others of their names."""
    found = {row.name.lower(): row for row in rows}
    scope = {"Action": frozenset({action.id.lower()})}
    for name, value in action.properties.items():
        lost = found.get(name.lower())
        overruled = (Overruled(lost.raw, lost.origin, lost.scope), *lost.overruled) if lost else ()
        is_secret = is_sealed(value)
        text = DOTS if is_secret else str(value)
        found[name.lower()] = Previewed(name, SETTINGS, text, scope, is_secret, overruled)
    return sorted(found.values(), key=lambda row: row.name.lower())


def values_of(rows: Iterable[Previewed]) -> dict[str, str]:
    """Return what templates are evaluated with; a secret is dots, a hidden value is missing."""
    return {row.name: row.raw for row in rows if row.raw is not None}


def evaluated(rows: Iterable[Previewed], values: Mapping[str, str]) -> list[Previewed]:
    """Return the rows with what their values evaluate to; in bounded time."""
    compiled, ending = TemplateVariables.of(values), time.monotonic() + _PATIENCE
    found = []
    for row in rows:
        text, problem = row.raw or "", ""
        if row.raw is not None and time.monotonic() > ending:
            problem = "Not evaluated: the values of this page take too long."
        elif row.raw is not None:
            result = _evaluate(row.raw, compiled)
            text, problem = result.text, " ".join(result.errors)
        found.append(replace(row, text=text, problem=problem))
    return found


def try_template(template: str, values: Mapping[str, str]) -> Evaluation:
    """Evaluate a template as a deployment would; the error says why it cannot be."""
    if len(template) > LONGEST:
        return Evaluation("", error=f"A template to try has at most {LONGEST} characters.")
    return _evaluate(template, TemplateVariables.of(values))


def _row(name: str, winner: Winner, seen: Seen) -> Previewed | None:
    overruled = tuple(
        Overruled(
            seen.value(each.candidate), seen.origin(each.candidate), seen.scope(each.candidate)
        )
        for each in winner.overruled
    )
    raw = seen.value(winner.candidate)
    if raw is None and all(each.value is None for each in overruled):
        return None
    return Previewed(
        name,
        seen.origin(winner.candidate),
        raw,
        seen.scope(winner.candidate),
        winner.candidate.is_sensitive,
        overruled,
    )


def _evaluate(template: str, values: TemplateVariables) -> Evaluation:
    try:
        return evaluate(template, values, environment=TRYING)
    except LanguageError as error:
        return Evaluation(template, error=str(error))

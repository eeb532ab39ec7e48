"""The table of values: which are shown, who wins where it is asked, and one name of it alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.core.paginator import Page

from deployments.access.web.forms import page_of
from deployments.access.web.pages import PageRequest
from deployments.library.models import LibraryVariableSet, Variable, VariableSet
from deployments.library.queries import may_edit, visible_variables
from deployments.library.scoping import Candidate, ScopeContext
from deployments.projects.process.editing import step_of
from deployments.projects.web.values.kinds import chosen_names
from deployments.projects.web.variable_owner import Surroundings, ValuesOwner
from deployments.projects.web.variable_rows import (
    FoundName,
    NameRows,
    ScopeNames,
    ValueRow,
    by_name,
    fits_scope,
    named_rows,
    never_fits,
    scope_words,
    verdicts,
)

# What an address says of the place for which winners are asked.
PLACE_NAMES: Final = ("environment", "tenant", "target", "step", "channel", "process")
# A set with those of its values that the reader may see; None stands for the owner of the page.
_Source = tuple[VariableSet, list[Variable], LibraryVariableSet | None]


@dataclass(frozen=True, slots=True)
class Table:
    """What the page shows of the values, with how many there are in all."""

    page: "Page[NameRows]"
    names: int
    total: int
    included: list[LibraryVariableSet]
    context: ScopeContext | None
    scopes: list[tuple[str, list[tuple[str, str]]]]


def table_of(request: PageRequest, owner: ValuesOwner, around: Surroundings) -> Table:
    """Return the page of the table that the address asks for."""
    included = owner.included()
    sources = _sources(request, owner, included)
    found = by_name([_filtered(request, rows) for _, rows, _ in sources])
    part = page_of(request, found)
    asked = _asked(request, owner, around)
    drawn = _drawn(request, sources, part.object_list, asked)
    part.object_list = drawn
    every = [variable for _, rows, _ in sources for variable in rows]
    names = len({variable.name.lower() for variable in every})
    return Table(part, names, len(every), included, asked.context, _filters(around))


def _filters(around: Surroundings) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the scopes to filter by, under headings; targets have a list of their own above."""
    return [
        (heading, [(f"{dimension}:{value}", words) for value, words in options])
        for dimension, heading, options in around.choices()
        if options and dimension != "Machine"
    ]


def group_of(
    request: PageRequest, owner: ValuesOwner, around: Surroundings, name: str
) -> NameRows | None:
    """Return one name as the table shows it, None when nothing of it is shown any more."""
    sources = _sources(request, owner, owner.included(), name)
    found = by_name([_filtered(request, rows) for _, rows, _ in sources])
    drawn = _drawn(request, sources, found, _asked(request, owner, around))
    return drawn[0] if drawn else None


def _sources(
    request: PageRequest,
    owner: ValuesOwner,
    included: Iterable[LibraryVariableSet],
    name: str | None = None,
) -> list[_Source]:
    """Return what the reader may see of the owner's values and of the sets that it includes."""
    own = visible_variables(request.actor, owner.variable_set, name)
    sources: list[_Source] = [(owner.variable_set, own, None)]
    sources += [
        (row.values, visible_variables(request.actor, row.values, name), row)
        for row in included
        if row.content == LibraryVariableSet.Content.VARIABLES
    ]
    return sources


@dataclass(frozen=True, slots=True)
class Asked:
    """Where winners are asked for, what a tenant filled in there, and words for scopes.

    `steps` are those of each process, by its owner.
    """

    context: ScopeContext | None
    filled: list[Candidate]
    names: ScopeNames
    steps: Mapping[str, frozenset[str]]


def _asked(request: PageRequest, owner: ValuesOwner, around: Surroundings) -> Asked:
    context, filled = _context(request, owner, around)
    return Asked(context, filled, around.names(), around.steps_of_processes())


def _drawn(
    request: PageRequest, sources: Sequence[_Source], shown: Iterable[FoundName], asked: Asked
) -> list[NameRows]:
    """Return the shown names with their values; only of these it is asked who wins."""
    parts = list(shown)
    wanted = {name for name, _ in parts}
    rows_of = [
        (each, [row for row in rows if row.name.lower() in wanted]) for each, rows, _ in sources
    ]
    judged = verdicts(rows_of, asked.context, asked.filled) if asked.context else {}
    variable_set = sources[0][0]
    chosen = chosen_names(request, (row for _, rows in rows_of for row in rows))
    return [
        named_rows(
            ValueRow(
                variable=variable,
                scopes=scope_words(variable.scope, asked.names),
                verdict=judged.get((place, variable.guid), ("", False))[0],
                wins=judged.get((place, variable.guid), ("", True))[1],
                may_edit=not place and may_edit(request.grants, variable.scope, variable_set),
                library=sources[place][2],
                choice=chosen.get((variable.kind, variable.value or ""), ""),
                note=never_fits(variable.scope, asked.steps),
            )
            for place, variable in values
        )
        for _, values in parts
    ]


def _filtered(request: PageRequest, rows: list[Variable]) -> list[Variable]:
    text = request.GET.get("q", "").strip().lower()
    scope, kind = request.GET.get("scope", ""), request.GET.get("kind", "")
    if text:
        # A secret's value is not searched: hits would tell what it holds.
        rows = [
            row
            for row in rows
            if text in row.name.lower()
            or (not row.is_sensitive and text in (row.value or "").lower())
        ]
    if scope:
        dimension, colon, value = scope.partition(":")
        place = (dimension, value) if colon else ("Environment", scope)
        rows = [row for row in rows if fits_scope(row, *place)]
    if kind:
        rows = [row for row in rows if row.is_sensitive == (kind == "sensitive")]
    return rows


def _context(
    request: PageRequest, owner: ValuesOwner, around: Surroundings
) -> tuple[ScopeContext | None, list[Candidate]]:
    """Return where the reader asks for the winners, with what the tenant there filled in.

    None when nobody asked.
    """
    asked = {name: request.GET.get(name, "") for name in PLACE_NAMES}
    if not any(asked.values()):
        return None, []
    machine = next((m for m in around.machines if m.public_id == asked["target"]), None)
    tenant = next((t for t in around.tenants if t.public_id == asked["tenant"]), None)
    environment = next(
        (e for e in around.environments if e.public_id == asked["environment"]), None
    )
    if asked["process"]:
        asked["channel"] = ""  # runbooks have none
    step = step_of(around.process_of(asked["process"]), asked["step"])
    number = owner.project.public_id if owner.project else None
    context = ScopeContext(
        environment=asked["environment"] or None,
        machine=asked["target"] or None,
        roles=frozenset(str(role) for role in machine.roles) if machine else frozenset(),
        target_roles=frozenset(step.target_roles) if step else frozenset(),
        # One of another process was chosen before that process was.
        action=asked["step"] if step else None,
        channel=asked["channel"] or None,
        tenant=tenant.public_id if tenant else None,
        tenant_tags=tenant.tags() if tenant else frozenset(),
        process_owner=asked["process"] or number,
        project=number,
    )
    if tenant is None or environment is None:
        return context, []
    return context, tenant.values(request.grants, environment.pk)

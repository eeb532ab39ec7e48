"""Writing variable sets: the whole set at once, or one variable of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any, Final

from django.db import transaction
from django.db.models import F, Max

from deployments.access.grants import Grants, load_grants
from deployments.access.permissions import Permission
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.errors import Invalid, NotFound, NotPermitted
from deployments.base.models import Space
from deployments.base.secrets import secret_box
from deployments.library.models import Variable, VariableSet
from deployments.library.models.variable import new_variable_id
from deployments.library.queries import (
    is_of_library,
    may_edit,
    may_view,
    variables_of,
    visible_variable,
)
from deployments.library.references import CHOSEN_TYPES
from deployments.library.scoping import DIMENSIONS
from deployments.library.services.inputs import LIBRARY_DIMENSIONS, VariableInput, problems_of
from deployments.library.services.references import require_references
from deployments.library.usage import owner_name
from deployments.library.values import fingerprint

STALE = (
    "The variables have been changed by somebody else since they were read. Reload them and make"
    " the change again."
)

_WRITTEN: Final = (
    "position",
    "name",
    "value",
    "sealed_value",
    "kind",
    "description",
    "is_sensitive",
    "scope",
    "prompt",
)

__all__ = [
    "VariableInput",
    "add_variable",
    "create_variable_set",
    "delete_variable",
    "replace_variables",
    "update_variable",
]


@dataclass(frozen=True)
class Described:
    """A variable as events and permission checks see it; a secret is its fingerprint."""

    name: str
    shown: str
    kind: str
    description: str
    is_sensitive: bool
    scope: dict[str, list[str]]
    prompt: dict[str, Any] | None

    @property
    def label(self) -> str:
        scopes = [text for values in self.scope.values() for text in values]
        return f"{self.name} ({', '.join(scopes)})" if scopes else self.name


def create_variable_set(*, actor: Actor, space: Space, owner_id: str) -> VariableSet:
    """Create the empty set of an owner; called by the owner's own service, which records it."""
    del actor
    return VariableSet.objects.create(space=space, owner_id=owner_id)


def replace_variables(
    *,
    actor: Actor,
    variable_set: VariableSet,
    variables: Sequence[VariableInput],
    version: int | None = None,
) -> VariableSet:
    """Make the set consist of these variables; ids are kept or assigned.

    Variables that the actor may not see stay as they are. `version` is the one that was read;
    raises Invalid when the set has changed since, or when a variable is not acceptable.
    """
    inputs = [variable.normal() for variable in variables]
    _require_valid(inputs, LIBRARY_DIMENSIONS if is_of_library(variable_set) else DIMENSIONS)
    grants = load_grants(actor, variable_set.space)
    with transaction.atomic():
        _advance(variable_set, version)
        stored = variables_of(variable_set)
        hidden = [row for row in stored if not may_view(grants, row.scope, variable_set)]
        existing = {row.guid: row for row in stored if row not in hidden}
        before = {row.guid: _described(row) for row in stored}
        places = {row.guid: row.position for row in stored}
        rows = _rows(variable_set, inputs, existing, taken={row.guid for row in hidden})
        _require_edit(grants, variable_set, existing.values(), rows, before)
        require_references(
            actor,
            variable_set.space,
            _new_references(rows, [before[guid] for guid in existing]),
        )
        kept = {row.guid for row in rows}
        gone = [row.pk for guid, row in existing.items() if guid not in kept]
        Variable.objects.in_space(variable_set.space).filter(pk__in=gone).delete()
        rows = [*rows, *hidden]
        _put_in_order(rows, places)
        after = {row.guid: _described(row) for row in rows}
        changed = [row for row in rows if before.get(row.guid) != after[row.guid]]
        moved = [row for row in rows if places.get(row.guid, row.position) != row.position]
        _write(variable_set, changed, moved)
        _record(actor, variable_set, before, after)
    return variable_set


def add_variable(
    *, actor: Actor, variable_set: VariableSet, variable: VariableInput, version: int | None = None
) -> Variable:
    """Add one value at the end of the set."""
    entry = _checked(variable_set, variable)
    with transaction.atomic():
        _advance(variable_set, version)
        last = Variable.objects.in_space(variable_set.space).filter(variable_set=variable_set)
        row = _new_row(variable_set, new_variable_id())
        row.position = 1 + (last.aggregate(Max("position"))["position__max"] or 0)
        _fill(row, entry)
        _require_scopes(actor, variable_set, row.scope)
        require_references(actor, variable_set.space, [row])
        row.save(force_insert=True)
        _record(actor, variable_set, {}, {row.guid: _described(row)})
    return row


def update_variable(
    *,
    actor: Actor,
    variable_set: VariableSet,
    guid: str,
    variable: VariableInput,
    version: int | None = None,
) -> Variable:
    """Change one value; an absent value keeps a sensitive one. Raises NotFound."""
    entry = _checked(variable_set, variable)
    with transaction.atomic():
        _advance(variable_set, version)
        row = _visible_row(actor, variable_set, guid)
        before = _described(row)
        _fill(row, entry)
        after = _described(row)
        if after != before:
            _require_scopes(actor, variable_set, before.scope, after.scope)
            require_references(actor, variable_set.space, _new_references([row], [before]))
            row.save(update_fields=_WRITTEN)
            _record(actor, variable_set, {guid: before}, {guid: after})
    return row


def delete_variable(
    *, actor: Actor, variable_set: VariableSet, guid: str, version: int | None = None
) -> None:
    """Remove one value. Raises NotFound."""
    with transaction.atomic():
        _advance(variable_set, version)
        row = _visible_row(actor, variable_set, guid)
        _require_scopes(actor, variable_set, row.scope)
        before = _described(row)
        row.delete()
        _record(actor, variable_set, {guid: before}, {})


def _checked(variable_set: VariableSet, variable: VariableInput) -> VariableInput:
    entry = variable.normal()
    _require_valid([entry], LIBRARY_DIMENSIONS if is_of_library(variable_set) else DIMENSIONS)
    return entry


def _visible_row(actor: Actor, variable_set: VariableSet, guid: str) -> Variable:
    row = visible_variable(actor, variable_set, guid)
    if row is None:
        raise NotFound
    return row


def _require_valid(inputs: Sequence[VariableInput], dimensions: Sequence[str]) -> None:
    errors = [text for variable in inputs for text in problems_of(variable, dimensions)]
    if errors:
        raise Invalid(*dict.fromkeys(errors))


def _advance(variable_set: VariableSet, version: int | None) -> None:
    """Raise the version, refusing a set that was read at another one."""
    rows = VariableSet.objects.in_space(variable_set.space).filter(pk=variable_set.pk)
    if version is not None:
        rows = rows.filter(version=version)
    if not rows.update(version=F("version") + 1):
        raise Invalid(STALE)
    variable_set.refresh_from_db(
        fields=["version"],
        from_queryset=VariableSet.objects.in_space(variable_set.space),
    )


def _rows(
    variable_set: VariableSet,
    inputs: Sequence[VariableInput],
    existing: dict[str, Variable],
    taken: set[str],
) -> list[Variable]:
    used = set(taken)
    rows = []
    for entry in inputs:
        guid = entry.id if entry.id and entry.id not in used else new_variable_id()
        used.add(guid)
        row = existing.get(guid) or _new_row(variable_set, guid)
        _fill(row, entry)
        rows.append(row)
    return rows


def _new_row(variable_set: VariableSet, guid: str) -> Variable:
    return Variable(space=variable_set.space, variable_set=variable_set, guid=guid)


def _fill(row: Variable, entry: VariableInput) -> None:
    was_sensitive, plain = row.is_sensitive, row.value
    row.name, row.kind, row.description = entry.name, entry.kind, entry.description
    row.scope = {name: list(values) for name, values in entry.scope.items()}
    row.prompt = dict(entry.prompt) if entry.prompt else None
    row.is_sensitive = entry.is_sensitive
    if not entry.is_sensitive:
        row.value, row.sealed_value = entry.value, None
        return
    # A plain value that is made sensitive without a new one keeps its text, now sealed.
    text = entry.value if entry.value is not None else (None if was_sensitive else plain)
    row.value = None
    if text is not None:
        row.sealed_value = secret_box().seal(text, place=row.secret_place)


def _put_in_order(rows: Sequence[Variable], places: Mapping[str, int]) -> None:
    """Deal out the stored positions in the order of the rows, so that most of thousands stay."""
    stored = sorted(places[row.guid] for row in rows if row.guid in places)
    last = -1
    for row, place in zip(rows, chain(stored, repeat(0)), strict=False):
        row.position = last = max(place, last + 1)


def _write(
    variable_set: VariableSet, changed: Sequence[Variable], moved: Sequence[Variable]
) -> None:
    new = [row for row in changed if row._state.adding]  # noqa: SLF001 the public way to ask
    known = [row for row in changed if not row._state.adding]  # noqa: SLF001
    Variable.objects.bulk_create(new)
    stored = Variable.objects.in_space(variable_set.space)
    stored.bulk_update(known, _WRITTEN, batch_size=500)
    stored.bulk_update(moved, ["position"], batch_size=500)


def _require_edit(
    grants: Grants,
    variable_set: VariableSet,
    existing: Iterable[Variable],
    rows: Sequence[Variable],
    before: Mapping[str, Described],
) -> None:
    """Raise NotPermitted when a value that changes, comes or goes is not the actor's to write."""
    after = {row.guid: _described(row) for row in rows}
    scopes = [old.scope for guid, old in before.items() if after.get(guid, old) != old]
    scopes += [row.scope for row in rows if before.get(row.guid) != after[row.guid]]
    scopes += [before[row.guid].scope for row in existing if row.guid not in after]
    _require_all(grants, variable_set, scopes)


def _require_scopes(actor: Actor, variable_set: VariableSet, *scopes: dict[str, list[str]]) -> None:
    _require_all(load_grants(actor, variable_set.space), variable_set, scopes)


def _require_all(
    grants: Grants, variable_set: VariableSet, scopes: Iterable[dict[str, list[str]]]
) -> None:
    for scope in scopes:
        if not may_edit(grants, scope, variable_set):
            named = any(scope.get("Environment", ()))
            raise NotPermitted(
                Permission.VariableEdit if named else Permission.VariableEditUnscoped
            )


def _new_references(rows: Iterable[Variable], known: Iterable[Described]) -> list[Variable]:
    """Return those that name what none did before; what stays may be what others may see."""
    named = {(each.name, each.kind, each.shown) for each in known}
    return [
        row
        for row in rows
        if row.kind in CHOSEN_TYPES and (row.name, row.kind, row.value) not in named
    ]


def _described(row: Variable) -> Described:
    if row.is_sensitive:
        place = row.secret_place
        sealed = row.sealed_value
        shown = (
            fingerprint(secret_box().open(bytes(sealed), place=place).reveal()) if sealed else ""
        )
    else:
        shown = row.value if row.value is not None else ""
    scope = {name: list(values) for name, values in row.scope.items()}
    return Described(
        row.name, shown, row.kind, row.description, row.is_sensitive, scope, row.prompt
    )


def _record(
    actor: Actor,
    variable_set: VariableSet,
    before: Mapping[str, Described],
    after: Mapping[str, Described],
) -> None:
    if before == after:
        return
    events.record(
        actor=actor,
        space=variable_set.space,
        category="Modified",
        message=f"Variables of {owner_name(variable_set)} changed",
        subject=variable_set.public_id,
        related=[variable_set.owner_id],
        before={f"{entry.label} #{guid[:8]}": entry.shown for guid, entry in before.items()},
        after={f"{entry.label} #{guid[:8]}": entry.shown for guid, entry in after.items()},
    )

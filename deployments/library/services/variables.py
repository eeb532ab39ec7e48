"""Writing variable sets: the whole set at once, or one variable of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from django.db import transaction
from django.db.models import F

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
    visible_variables,
)
from deployments.library.scoping import DIMENSIONS
from deployments.library.services.inputs import LIBRARY_DIMENSIONS, VariableInput, problems_of
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
        rows = _rows(variable_set, inputs, existing, taken={row.guid for row in hidden})
        _require_edit(grants, variable_set, existing.values(), rows, before)
        kept = {row.guid for row in rows}
        gone = [row.pk for guid, row in existing.items() if guid not in kept]
        Variable.objects.in_space(variable_set.space).filter(pk__in=gone).delete()
        for position, row in enumerate([*rows, *hidden]):
            row.position = position
        _write(variable_set, [*rows, *hidden])
        _record(actor, variable_set, before, {row.guid: _described(row) for row in rows + hidden})
    return variable_set


def add_variable(
    *, actor: Actor, variable_set: VariableSet, variable: VariableInput, version: int | None = None
) -> Variable:
    """Add one value at the end of the set."""
    guid = new_variable_id()
    added = replace(variable, id=guid)
    with transaction.atomic():
        current = _locked_inputs(actor, variable_set)
        replace_variables(
            actor=actor, variable_set=variable_set, variables=[*current, added], version=version
        )
    return _get(variable_set, guid)


def update_variable(
    *,
    actor: Actor,
    variable_set: VariableSet,
    guid: str,
    variable: VariableInput,
    version: int | None = None,
) -> Variable:
    """Change one value; an absent value keeps a sensitive one. Raises NotFound."""
    changed = replace(variable, id=guid)
    with transaction.atomic():
        current = _locked_inputs(actor, variable_set)
        if all(entry.id != guid for entry in current):
            raise NotFound
        replace_variables(
            actor=actor,
            variable_set=variable_set,
            variables=[changed if entry.id == guid else entry for entry in current],
            version=version,
        )
    return _get(variable_set, guid)


def delete_variable(
    *, actor: Actor, variable_set: VariableSet, guid: str, version: int | None = None
) -> None:
    """Remove one value. Raises NotFound."""
    with transaction.atomic():
        current = _locked_inputs(actor, variable_set)
        rest = [entry for entry in current if entry.id != guid]
        if len(rest) == len(current):
            raise NotFound
        replace_variables(actor=actor, variable_set=variable_set, variables=rest, version=version)


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
        row = existing.get(guid) or Variable(
            space=variable_set.space, variable_set=variable_set, guid=guid
        )
        _fill(row, entry)
        rows.append(row)
    return rows


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


def _write(variable_set: VariableSet, rows: Sequence[Variable]) -> None:
    new = [row for row in rows if row._state.adding]  # noqa: SLF001 the public way to ask
    known = [row for row in rows if not row._state.adding]  # noqa: SLF001
    Variable.objects.bulk_create(new)
    stored = Variable.objects.in_space(variable_set.space)
    stored.bulk_update(known, _WRITTEN, batch_size=500)


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
    for scope in scopes:
        if not may_edit(grants, scope, variable_set):
            named = any(scope.get("Environment", ()))
            raise NotPermitted(
                Permission.VariableEdit if named else Permission.VariableEditUnscoped
            )


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


def _locked_inputs(actor: Actor, variable_set: VariableSet) -> list[VariableInput]:
    """Return the visible variables, the set locked so that no other writer comes in between."""
    rows = VariableSet.objects.in_space(variable_set.space)
    # An update holds the row until the transaction ends, on every database.
    rows.filter(pk=variable_set.pk).update(version=F("version"))
    return [
        VariableInput(
            name=row.name,
            value=row.value,
            id=row.guid,
            kind=row.kind,
            is_sensitive=row.is_sensitive,
            description=row.description,
            scope=row.scope,
            prompt=row.prompt,
        )
        for row in visible_variables(actor, variable_set)
    ]


def _get(variable_set: VariableSet, guid: str) -> Variable:
    row = next((row for row in variables_of(variable_set) if row.guid == guid), None)
    if row is None:
        raise NotFound
    return row

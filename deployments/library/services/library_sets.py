"""Library variable sets: creating, changing and deleting; their values are written as any set's."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Unpack

from django.db import transaction

from deployments.access.permissions import Permission
from deployments.access.policy import require, require_on
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.errors import Invalid
from deployments.base.models import Space
from deployments.base.naming import require_free_name, required_name
from deployments.library.models import LibraryVariableSet
from deployments.library.queries import variables_of
from deployments.library.script_modules import read_module
from deployments.library.services.inputs import module_variables
from deployments.library.services.variables import create_variable_set, replace_variables
from deployments.library.usage import library_uses
from deployments.library.variable_templates import checked_templates

_MOST_SHOWN: Final = 5


def create_library_set(
    *,
    actor: Actor,
    space: Space,
    name: str,
    description: str = "",
    templates: Sequence[Mapping[str, Any]] = (),
    content: str = LibraryVariableSet.Content.VARIABLES,
) -> LibraryVariableSet:
    """Create a set without variables; `content` says what it is for and stays."""
    require(actor, space, Permission.LibraryVariableSetCreate)
    row = LibraryVariableSet(space=space, content=content)
    with transaction.atomic():
        _fill(row, name, description, templates)
        row.save(force_insert=True)
        row.variable_set = create_variable_set(actor=actor, space=space, owner_id=row.public_id)
        row.save(update_fields=["variable_set"])
        _record(actor, row, "Created", "created", after=_snapshot(row))
    return row


def update_library_set(
    *,
    actor: Actor,
    row: LibraryVariableSet,
    name: str,
    description: str = "",
    templates: Sequence[Mapping[str, Any]] = (),
) -> LibraryVariableSet:
    """Give the set these values; a template that is not named goes, with what tenants gave it."""
    require_on(actor, row, Permission.LibraryVariableSetEdit)
    before = _snapshot(row)
    with transaction.atomic():
        _fill(row, name, description, templates)
        row.save()
        if row.content == LibraryVariableSet.Content.SCRIPT_MODULE and before["Name"] != row.name:
            _rename_module(actor, row, before["Name"])
        _record(actor, row, "Modified", "changed", before=before, after=_snapshot(row))
    return row


def delete_library_set(*, actor: Actor, row: LibraryVariableSet) -> None:
    """Delete a set that no project includes; releases keep the values they were made with."""
    require_on(actor, row, Permission.LibraryVariableSetDelete)
    uses = list(library_uses(row))
    if uses:
        more = f" and {len(uses) - _MOST_SHOWN} more" if len(uses) > _MOST_SHOWN else ""
        raise Invalid(
            f"The {kind_of(row)} '{row.name}' cannot be deleted because it is included in"
            f" {', '.join(uses[:_MOST_SHOWN])}{more}."
        )
    variable_set = row.values
    with transaction.atomic():
        _record(actor, row, "Deleted", "deleted", before=_snapshot(row))
        row.delete()
        variable_set.delete()


def kind_of(row: LibraryVariableSet) -> str:
    """Return what the set is, in words."""
    is_module = row.content == LibraryVariableSet.Content.SCRIPT_MODULE
    return "script module" if is_module else "variable set"


def _fill(
    row: LibraryVariableSet,
    name: str,
    description: str,
    templates: Sequence[Mapping[str, Any]],
) -> None:
    row.name, row.description = required_name(name), description
    row.templates = checked_templates(list(templates))
    if row.content != LibraryVariableSet.Content.VARIABLES and templates:
        raise Invalid("A script module has no templates for tenants.")
    require_free_name(row, "A variable set or script module")


def _rename_module(actor: Actor, row: LibraryVariableSet, name: str) -> None:
    """Make the variables of the module carry its new name."""
    module = read_module(name, variables_of(row.values))
    replace_variables(
        actor=actor, variable_set=row.values, variables=module_variables(row.name, module)
    )


def _snapshot(row: LibraryVariableSet) -> dict[str, Any]:
    return {"Name": row.name, "Description": row.description, "Templates": row.templates}


def _record(
    actor: Actor,
    row: LibraryVariableSet,
    category: str,
    verb: str,
    **snapshots: Unpack[events.Snapshots],
) -> None:
    events.record(
        actor=actor,
        space=row.space,
        category=category,
        message=f"{kind_of(row).capitalize()} {row.name} was {verb}",
        subject=row.public_id,
        **snapshots,
    )

"""Library variable sets: creating, changing and deleting; their values are written as any set's."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.db import transaction

from deployments.access.permissions import Permission
from deployments.access.policy import require, require_on
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.errors import Invalid
from deployments.base.models import Space
from deployments.base.naming import require_free_name, required_name
from deployments.library.models import LibraryVariableSet
from deployments.library.services.variables import create_variable_set
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
) -> LibraryVariableSet:
    """Create a set without variables."""
    require(actor, space, Permission.LibraryVariableSetCreate)
    row = LibraryVariableSet(space=space)
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
        _record(actor, row, "Modified", "changed", before=before, after=_snapshot(row))
    return row


def delete_library_set(*, actor: Actor, row: LibraryVariableSet) -> None:
    """Delete a set that no project includes; releases keep the values they were made with."""
    require_on(actor, row, Permission.LibraryVariableSetDelete)
    uses = list(library_uses(row))
    if uses:
        more = f" and {len(uses) - _MOST_SHOWN} more" if len(uses) > _MOST_SHOWN else ""
        raise Invalid(
            f"The variable set '{row.name}' cannot be deleted because it is included in"
            f" {', '.join(uses[:_MOST_SHOWN])}{more}."
        )
    variable_set = row.values
    with transaction.atomic():
        _record(actor, row, "Deleted", "deleted", before=_snapshot(row))
        row.delete()
        variable_set.delete()


def _fill(
    row: LibraryVariableSet,
    name: str,
    description: str,
    templates: Sequence[Mapping[str, Any]],
) -> None:
    row.name, row.description = required_name(name), description
    row.templates = checked_templates(list(templates))
    require_free_name(row, "A variable set")


def _snapshot(row: LibraryVariableSet) -> dict[str, Any]:
    return {"Name": row.name, "Description": row.description, "Templates": row.templates}


def _record(
    actor: Actor,
    row: LibraryVariableSet,
    category: str,
    verb: str,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    events.record(
        actor=actor,
        space=row.space,
        category=category,
        message=f"Variable set {row.name} was {verb}",
        subject=row.public_id,
        before=before,
        after=after,
    )

"""User roles: named sets of permissions."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction

from deployments.access import permissions
from deployments.access.grants import load_grants, team_changed
from deployments.access.models import ScopedUserRole, UserRole
from deployments.access.permissions import Permission
from deployments.access.services.guards import require_holds, stored_scopes
from deployments.access.signing_in.throttle import one_spelling
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.errors import Invalid


def create_role(
    *,
    actor: Actor,
    name: str,
    description: str = "",
    space_permissions: Iterable[str] = (),
    system_permissions: Iterable[str] = (),
) -> UserRole:
    """Create a role. Raises Invalid."""
    grants = load_grants(actor, None)
    grants.require_system(Permission.UserRoleEdit)
    space, system = _checked(name, space_permissions, system_permissions)
    for permission in system:
        grants.require_system(permission)
    with transaction.atomic():
        _require_free(name)
        role = UserRole.objects.create(
            name=name.strip(),
            description=description,
            space_permissions=space,
            system_permissions=system,
        )
        _record(actor, role, "Created", "created", {}, snapshot(role))
    return role


def update_role(
    *,
    actor: Actor,
    role: UserRole,
    name: str,
    description: str = "",
    space_permissions: Iterable[str] = (),
    system_permissions: Iterable[str] = (),
) -> UserRole:
    """Change a role that is not built in.

    Raises Invalid, and NotPermitted when a team would get what the actor lacks.
    """
    grants = load_grants(actor, None)
    grants.require_system(Permission.UserRoleEdit)
    _require_own(role)
    space, system = _checked(name, space_permissions, system_permissions)
    for permission in set(system) - set(role.system_permissions):
        grants.require_system(permission)
    if added := set(space) - set(role.space_permissions):
        held = ScopedUserRole.objects.filter(role=role).select_related("space")
        for row in held.prefetch_related("scopes"):
            require_holds(actor, row.space, added, stored_scopes(row))
    with transaction.atomic():
        _require_free(name, besides=role)
        before = snapshot(role)
        role.name, role.description = name.strip(), description
        role.space_permissions, role.system_permissions = space, system
        role.save()
        _record(actor, role, "Modified", "changed", before, snapshot(role))
        team_changed()
    return role


def delete_role(*, actor: Actor, role: UserRole) -> None:
    """Delete a role that no team holds. Raises Invalid."""
    load_grants(actor, None).require_system(Permission.UserRoleEdit)
    _require_own(role)
    if ScopedUserRole.objects.filter(role=role).exists():
        raise Invalid("The role cannot be deleted while teams hold it.")
    with transaction.atomic():
        _record(actor, role, "Deleted", "deleted", snapshot(role), {})
        role.delete()


def snapshot(role: UserRole) -> dict[str, Any]:
    """Return what events compare of a role."""
    return {
        "Name": role.name,
        "Description": role.description,
        "GrantedSpacePermissions": role.space_permissions,
        "GrantedSystemPermissions": role.system_permissions,
    }


def _checked(name: str, space: Iterable[str], system: Iterable[str]) -> tuple[list[str], list[str]]:
    fields: dict[str, list[str]] = {}
    if not one_spelling(name) or len(name.strip()) > 200:  # noqa: PLR2004 as the column
        fields["Name"] = ["Name is required and has at most 200 characters."]
    space, system = sorted(set(space)), sorted(set(system))
    if unknown := [text for text in space if text not in permissions.SPACE]:
        fields["GrantedSpacePermissions"] = [f"Not a permission of spaces: {unknown[0]}."]
    if unknown := [text for text in system if text not in permissions.SYSTEM]:
        fields["GrantedSystemPermissions"] = [f"Not a permission of the system: {unknown[0]}."]
    if fields:
        raise Invalid(fields=fields)
    return space, system


def _require_own(role: UserRole) -> None:
    if role.built_in_id:
        raise Invalid("A built-in role cannot be changed or deleted. Make a role of your own.")


def _require_free(name: str, besides: UserRole | None = None) -> None:
    wanted = one_spelling(name)  # nobody takes another role for the one they mean
    if any(row != besides and one_spelling(row.name) == wanted for row in UserRole.objects.all()):
        text = f"A user role with the name '{name.strip()}' already exists."
        raise Invalid(fields={"Name": [text]})


def _record(
    actor: Actor, role: UserRole, category: str, verb: str, before: Any, after: Any
) -> None:
    events.record(
        actor=actor,
        space=None,
        category=category,
        message=f"User role {role.name} was {verb}",
        subject=role.public_id,
        before=before,
        after=after,
    )

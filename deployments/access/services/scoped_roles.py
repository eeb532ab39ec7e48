"""Roles held by teams, and where."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from deployments.access.grants import team_changed
from deployments.access.models import RoleScope, ScopedUserRole, Team, UserRole
from deployments.access.permissions import Permission
from deployments.access.scope_values import NOUNS, visible_names
from deployments.access.services.guards import (
    require_holds_role,
    require_over_team,
    stored_scopes,
)
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.errors import Invalid
from deployments.base.models import Space

Scopes = Mapping[str, Iterable[str]]


def create_scoped_role(
    *, actor: Actor, team: Team, role: UserRole, space: Space | None, scopes: Scopes | None = None
) -> ScopedUserRole:
    """Give a team a role in a space (None: at system level), within `scopes` of public ids.

    Raises Invalid, and NotPermitted when the role gives what the actor lacks.
    """
    _check_level(team, role, space)
    require_over_team(actor, team, Permission.TeamEdit)
    scopes = _merged(actor, space, scopes or {}, {})
    require_holds_role(actor, role, space, scopes)
    with transaction.atomic():
        row = ScopedUserRole.objects.create(team=team, role=role, space=space)
        _store_scopes(row, scopes)
        _record(actor, row, "Created", "was given to", {}, snapshot(row))
        team_changed()
    return row


def update_scoped_role(
    *, actor: Actor, scoped_role: ScopedUserRole, role: UserRole, scopes: Scopes | None = None
) -> ScopedUserRole:
    """Change the role and its scopes; those that the actor may not see stay.

    Raises as create_scoped_role.
    """
    team = scoped_role.team
    _require_not_fixed(scoped_role)
    _check_level(team, role, scoped_role.space)
    require_over_team(actor, team, Permission.TeamEdit)
    scopes = _merged(actor, scoped_role.space, scopes or {}, stored_scopes(scoped_role))
    require_holds_role(actor, role, scoped_role.space, scopes, scoped_role)
    with transaction.atomic():
        before = snapshot(scoped_role)
        scoped_role.role = role
        scoped_role.save()
        scoped_role.scopes.all().delete()
        _store_scopes(scoped_role, scopes)
        _record(actor, scoped_role, "Modified", "was changed for", before, snapshot(scoped_role))
        team_changed()
    return scoped_role


def delete_scoped_role(*, actor: Actor, scoped_role: ScopedUserRole) -> None:
    """Take the role from the team. Raises Invalid."""
    _require_not_fixed(scoped_role)
    require_over_team(actor, scoped_role.team, Permission.TeamEdit)
    with transaction.atomic():
        _record(actor, scoped_role, "Deleted", "was taken from", snapshot(scoped_role), {})
        scoped_role.delete()
        team_changed()


def snapshot(row: ScopedUserRole) -> dict[str, Any]:
    """Return what events compare of a scoped role."""
    scopes: dict[str, Any] = {"Role": row.role.name}
    for kind, value in row.scopes.order_by("kind", "object_id").values_list("kind", "object_id"):
        scopes.setdefault(kind, []).append(value)
    return scopes


def _merged(
    actor: Actor, space: Space | None, sent: Scopes, stored: Mapping[str, list[str]]
) -> dict[str, list[str]]:
    """Return what was sent, as it is written, and what is stored and hidden from the actor."""
    wanted = {kind: list(dict.fromkeys(values)) for kind, values in sent.items()}
    wanted = {kind: values for kind, values in wanted.items() if values}
    if actor.is_system:
        return wanted
    if space is None:
        if wanted:
            raise Invalid("A role at system level cannot be limited.")
        return {}
    names = visible_names(actor, space)
    merged: dict[str, list[str]] = {}
    for kind, (noun, _) in NOUNS.items():
        own = stored.get(kind, [])
        kept = [value for value in own if value not in names.of(kind)]
        for value in wanted.get(kind, []):
            found = value if value in own else names.canonical(kind, value)
            if found is None:
                raise Invalid(f"There is no {noun} '{value}'.")
            if found not in kept:
                kept.append(found)
        if kept:
            merged[kind] = kept
    return merged


def _check_level(team: Team, role: UserRole, space: Space | None) -> None:
    if team.space_id is not None and (space is None or space.pk != team.space_id):
        raise Invalid("A team of a space holds roles in that space only.")
    if space is None and role.space_permissions:
        raise Invalid(f"The role '{role.name}' is for spaces; choose the space.")
    if space is not None and not role.space_permissions:
        raise Invalid(f"The role '{role.name}' is for the system level only.")


def _require_not_fixed(row: ScopedUserRole) -> None:
    fixed = row.team.built_in_id and not row.team.everyone
    if fixed and row.role.built_in_id:
        raise Invalid("The role of a built-in team cannot be changed.")


def _store_scopes(row: ScopedUserRole, scopes: Mapping[str, list[str]]) -> None:
    RoleScope.objects.bulk_create(
        [
            RoleScope(scoped_role=row, kind=RoleScope.Kind(kind), object_id=value)
            for kind, values in scopes.items()
            for value in values
        ]
    )


def _record(
    actor: Actor, row: ScopedUserRole, category: str, verb: str, before: Any, after: Any
) -> None:
    events.record(
        actor=actor,
        space=row.space,
        category=category,
        message=f"Role {row.role.name} {verb} team {row.team.name}",
        subject=row.public_id,
        related=[row.team.public_id, row.role.public_id],
        before=before,
        after=after,
    )

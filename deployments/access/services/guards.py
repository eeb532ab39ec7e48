"""Rules that keep people from taking rights they do not have."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from deployments.access.grant_cover import lacking
from deployments.access.grants import Grants, grants_of_role, load_grants, permissions_of
from deployments.access.models import ScopedUserRole, Team, TeamObjectGrant, User, UserRole
from deployments.access.object_grants import scopes_of
from deployments.access.permissions import Permission
from deployments.base.actor import Actor
from deployments.base.errors import NotPermitted
from deployments.base.models import Space

Scopes = Mapping[str, list[str]]


def require_over_user(actor: Actor, user: User) -> None:
    """Require UserEdit, and AdministerSystem over an administrator (a new password is a key)."""
    grants = load_grants(actor, None)
    grants.require_system(Permission.UserEdit)
    if any(administers(team) for team in user.teams.all()):
        grants.require_system(Permission.AdministerSystem)


def require_over_team(actor: Actor, team: Team, permission: Permission) -> None:
    """Require the permission over the team: in its space, or at system level."""
    require_for_space(actor, team.space, permission)
    if administers(team):
        load_grants(actor, None).require_system(Permission.AdministerSystem)


def require_for_space(actor: Actor, space: Space | None, permission: Permission) -> None:
    """Require a permission that exists in spaces and at system level."""
    if space is None:
        load_grants(actor, None).require_system(permission)
    else:
        load_grants(actor, space).require(permission)


def require_holds(
    actor: Actor,
    space: Space | None,
    permissions: Iterable[str],
    scopes: Scopes,
    already: Grants | None = None,
) -> None:
    """Raise NotPermitted, naming what is lacking, unless the actor holds all of it there.

    What is `already` given is not given anew. Who administers the server may give anything: they
    could make themselves managers of any space.
    """
    system = load_grants(actor, None)
    if system.allows_system(Permission.AdministerSystem):
        return
    names = permissions_of(permissions)
    if space is None:
        for name in sorted(names):
            system.require_system(name)
        return
    (wanted,) = grants_of_role(space, names, scopes).assignments
    given = already.assignments if already else ()
    held = load_grants(actor, space)
    if missing := lacking(replace(held, assignments=held.assignments + given), wanted, names):
        raise NotPermitted(missing, "nobody gives what they do not hold themselves")


def require_holds_role(
    actor: Actor,
    role: UserRole,
    space: Space | None,
    scopes: Scopes | None = None,
    stored: ScopedUserRole | None = None,
) -> None:
    """Raise NotPermitted when the role, within the scopes, gives what the actor does not hold.

    With the `stored` assignment that is changed: gives more than that does.
    """
    system = set(role.system_permissions)
    if stored is not None:
        system -= set(stored.role.system_permissions)
    require_holds(actor, None, system, {})
    if space is None:
        return
    already = None
    if stored is not None:
        already = grants_of_role(space, stored.role.space_permissions, stored_scopes(stored))
    require_holds(actor, space, role.space_permissions, scopes or {}, already)


def require_holds_team(actor: Actor, team: Team) -> None:
    """Raise NotPermitted when being in the team gives what the actor does not hold."""
    rows = ScopedUserRole.objects.filter(team=team).select_related("role", "space")
    for row in rows.prefetch_related("scopes"):
        require_holds_role(actor, row.role, row.space, stored_scopes(row))
    direct = TeamObjectGrant.objects.filter(group=team.group_id)
    for grant in direct.select_related("permission", "space"):
        if scopes := scopes_of(grant.content_type_id, grant.object_pk):
            require_holds(actor, grant.space, [grant.permission.codename], scopes)


def stored_scopes(row: ScopedUserRole) -> dict[str, list[str]]:
    """Return what a scoped role is limited to, by kind."""
    found: dict[str, list[str]] = {}
    for scope in row.scopes.all():
        found.setdefault(scope.kind, []).append(scope.object_id)
    return found


def administers(team: Team) -> bool:
    """Tell whether the team holds AdministerSystem."""
    roles = ScopedUserRole.objects.filter(team=team).select_related("role")
    return any(Permission.AdministerSystem in row.role.system_permissions for row in roles)

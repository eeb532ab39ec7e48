"""Rules that keep people from taking rights they do not have."""

from deployments.access.grants import load_grants
from deployments.access.models import ScopedUserRole, Team, User, UserRole
from deployments.access.permissions import Permission
from deployments.base.actor import Actor
from deployments.base.errors import NotPermitted
from deployments.base.models import Space


def require_over_user(actor: Actor, user: User) -> None:
    """Require UserEdit, and AdministerSystem over an administrator (a new password is a key)."""
    grants = load_grants(actor, None)
    grants.require_system(Permission.UserEdit)
    if any(_administers(team) for team in user.teams.all()):
        grants.require_system(Permission.AdministerSystem)


def require_over_team(actor: Actor, team: Team, permission: Permission) -> None:
    """Require the permission over the team: in its space, or at system level."""
    require_for_space(actor, team.space, permission)
    if _administers(team):
        load_grants(actor, None).require_system(Permission.AdministerSystem)


def require_for_space(actor: Actor, space: Space | None, permission: Permission) -> None:
    """Require a permission that exists in spaces and at system level."""
    if space is None:
        load_grants(actor, None).require_system(permission)
    else:
        load_grants(actor, space).require(permission)


def require_holds_role(actor: Actor, role: UserRole, space: Space | None) -> None:
    """Raise NotPermitted when the role gives what the actor does not hold there."""
    grants = load_grants(actor, space)
    for name in role.system_permissions:
        grants.require_system(name)
    if space is not None:
        for name in role.space_permissions:
            if (
                not any(
                    name in held.permissions for held in grants.assignments if not _is_limited(held)
                )
                and not grants.everything
            ):
                raise NotPermitted(name)


def _is_limited(assignment: object) -> bool:
    return any(
        getattr(assignment, name)
        for name in ("limits_projects", "limits_environments", "limits_tenants")
    )


def _administers(team: Team) -> bool:
    roles = ScopedUserRole.objects.filter(team=team).select_related("role")
    return any(Permission.AdministerSystem in row.role.system_permissions for row in roles)

"""Checks of the feed's permissions, which may be restricted to the projects that use a package."""

from deployments.access.grants import load_grants
from deployments.access.permissions import Permission
from deployments.base.actor import Actor
from deployments.base.errors import NotPermitted
from deployments.base.models import Space
from packages_feed.usage import projects_using


def may(actor: Actor, space: Space, permission: Permission, package_id: str) -> bool:
    """Tell whether the actor holds the permission on the package.

    A grant restricted to projects covers the packages that one of these projects uses.
    """
    grants = load_grants(actor, space)
    if grants.allows(permission):
        return True
    if not grants.allows_anywhere(permission):
        return False
    return any(
        grants.allows(permission, project=project) for project in projects_using(space, package_id)
    )


def require_for_package(
    actor: Actor, space: Space, permission: Permission, package_id: str, *, purpose: str = ""
) -> None:
    """Raise NotPermitted unless `may`; `purpose` says what the permission is needed for."""
    if not may(actor, space, permission, package_id):
        raise NotPermitted(permission, purpose)


def require_somewhere(actor: Actor, space: Space, permission: Permission) -> None:
    """Raise NotPermitted when the actor holds the permission on no package at all."""
    if not load_grants(actor, space).allows_anywhere(permission):
        raise NotPermitted(permission)

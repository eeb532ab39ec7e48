"""Whether somebody may give a right away: nobody gives more than they hold. Pure."""

from collections.abc import Iterable

from deployments.access.grant_rules import Assignment, Grants
from deployments.access.permissions import dimensions


def covers(grants: Grants, wanted: Assignment, permission: str) -> bool:
    """Tell whether the grants hold the permission wherever the wanted assignment would give it.

    One assignment has to reach as far by itself: two that do so together are not told from two
    whose dimensions would be mixed.
    """
    if grants.everything:
        return True
    held = (one for one in grants.assignments if permission in one.permissions)
    return any(_reaches(one, wanted, dimensions(permission)) for one in held)


def lacking(grants: Grants, wanted: Assignment, permissions: Iterable[str]) -> str | None:
    """Return the first of the permissions that the grants do not cover."""
    return next((name for name in sorted(permissions) if not covers(grants, wanted, name)), None)


def _reaches(held: Assignment, wanted: Assignment, supported: frozenset[str]) -> bool:
    return (
        ("project" not in supported or _reaches_projects(held, wanted))
        and ("project_group" not in supported or _reaches_groups(held, wanted))
        and ("environment" not in supported or _reaches_environments(held, wanted))
        and ("tenant" not in supported or _reaches_tenants(held, wanted))
    )


def _reaches_projects(held: Assignment, wanted: Assignment) -> bool:
    if not held.limits_projects:
        return True
    # A group takes in projects that are made later, so it is covered by itself only.
    return (
        wanted.limits_projects
        and wanted.projects <= held.projects
        and wanted.project_groups <= held.project_groups
    )


def _reaches_groups(held: Assignment, wanted: Assignment) -> bool:
    if not held.project_groups:
        return True
    return bool(wanted.project_groups) and wanted.project_groups <= held.project_groups


def _reaches_environments(held: Assignment, wanted: Assignment) -> bool:
    if not held.limits_environments:
        return True
    return wanted.limits_environments and wanted.environments <= held.environments


def _reaches_tenants(held: Assignment, wanted: Assignment) -> bool:
    if not held.limits_tenants:
        return True
    # Tags take in tenants that get them later, so only the same tags cover them.
    same_tags = not wanted.tenant_tags or wanted.tenant_tags == held.tenant_tags
    return wanted.limits_tenants and wanted.tenants <= held.tenants and same_tags

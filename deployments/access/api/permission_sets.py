"""What a user may do, as a document."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Q

from deployments.access import permissions
from deployments.access.api.serializers import RESTRICTIONS
from deployments.access.effective.texts import describe
from deployments.access.models import ScopedUserRole, Team
from deployments.access.object_grants import direct_rows
from deployments.access.permissions import Permission, dimensions
from deployments.access.queries import teams_visible_to
from deployments.access.services.guards import stored_scopes
from deployments.access.spaces import visible_spaces
from deployments.base.actor import Actor


def permission_set(reader: Actor, actor: Actor) -> dict[str, Any]:
    """Return the permissions of `actor` in the spaces that `reader` sees."""
    everywhere = reader.user_id == actor.user_id
    teams = Team.objects.filter(Q(users=actor.user_id) | Q(everyone=True)).distinct()
    roles = ScopedUserRole.objects.filter(team__in=teams).select_related("role")
    seen = set(visible_spaces(reader).values_list("pk", flat=True))
    seen_teams = {team.pk for team in teams_visible_to(reader)}
    space: dict[str, list[dict[str, Any]]] = {}
    system: set[str] = set()
    complete = True
    for role in roles.prefetch_related("scopes").order_by("pk"):
        system.update(role.role.system_permissions)
        if role.space_id is None:
            continue
        if not everywhere and role.space_id not in seen:
            complete = False
            continue
        restriction = _restriction(role)
        for name in role.role.space_permissions:
            space.setdefault(name, []).append(restriction)
    for row in direct_rows(actor.user_id or 0, teams.values("pk")):
        if everywhere or row["space"] in seen:
            limits = _restricted(f"Spaces-{row['space']}", row["scopes"])
            space.setdefault(row["permissions"][0], []).append(limits)
    shown = [
        {"Id": team.public_id, "Name": team.name}
        for team in teams
        if everywhere or team.pk in seen_teams
    ]
    return {
        "Id": actor.public_id,
        "SpacePermissions": dict(sorted(space.items())),
        "SystemPermissions": sorted(system),
        "Teams": shown,
        "IsTeamsComplete": len(shown) == len(teams),
        "IsPermissionsComplete": complete,
        "Links": {"Self": f"/api/users/{actor.public_id}/permissions"},
    }


def descriptions() -> dict[str, Any]:
    """Return every permission with the restrictions that it supports."""
    return {
        permission.value: {
            "Description": describe(permission),
            "SupportedRestrictions": sorted(RESTRICTIONS[name] for name in dimensions(permission)),
            "CanApplyAtSystemLevel": permission in permissions.SYSTEM,
            "CanApplyAtSpaceLevel": permission in permissions.SPACE,
        }
        for permission in Permission
    }


def _restriction(role: ScopedUserRole) -> dict[str, Any]:
    return _restricted(f"Spaces-{role.space_id}", stored_scopes(role))


def _restricted(space: str, scopes: Mapping[str, list[str]]) -> dict[str, Any]:
    values: dict[str, list[str]] = {kind: [] for kind in RESTRICTIONS} | dict(scopes)
    return {
        "RestrictedToProjectIds": values["project"],
        "RestrictedToProjectGroupIds": values["project_group"],
        "RestrictedToEnvironmentIds": values["environment"],
        "RestrictedToTenantIds": values["tenant"],
        "RestrictedToTenantTags": values.get("tenant_tag", []),
        "SpaceId": space,
    }

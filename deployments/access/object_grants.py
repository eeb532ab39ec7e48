"""Reading permissions that are given on single objects."""

from typing import Any, Final

from django.db.models import Q, QuerySet

from deployments.access.models import Team, TeamObjectGrant, User, UserObjectGrant
from deployments.access.permissions import Permission, dimensions
from deployments.access.scope_values import content_types
from deployments.base import public_ids
from deployments.base.models import Space

_PREFIXES: Final = {
    "project": "Projects",
    "project_group": "ProjectGroups",
    "environment": "Environments",
    "tenant": "Tenants",
}


GIVABLE: Final = tuple(_PREFIXES)


def givable(kind: str) -> list[Permission]:
    """Return the permissions that an object of the kind limits, so that they are given on it."""
    wanted = {"project", "project_group"} if kind == "project_group" else {kind}
    return [each for each in Permission if dimensions(each) & wanted]


def direct_rows(user_id: int, teams: "QuerySet[Team, Any]") -> list[dict[str, Any]]:
    """Return what a user and their teams were given on single objects; one query.

    What was given of one permission on objects of one kind is a role limited to these objects.
    """
    names = ("space_id", "content_type_id", "permission__codename", "object_pk")
    own = UserObjectGrant.objects.filter(user=user_id).values_list(*names)
    through = TeamObjectGrant.objects.filter(group__team__in=teams).values_list(*names)
    found = list(own.union(through))
    if not found:
        return []
    merged: dict[tuple[int, str, str], list[str]] = {}
    for space, type_id, permission, number in found:
        for kind, ids in scopes_of(type_id, number).items():
            merged.setdefault((space, permission, kind), []).extend(ids)
    return [
        {"space": space, "permissions": [permission], "system": [], "scopes": {kind: ids}}
        for (space, permission, kind), ids in merged.items()
    ]


def scopes_of(type_id: int, number: str) -> dict[str, list[str]]:
    """Return the limits of a role that say the same as a grant on the object."""
    kinds = {each.pk: kind for kind, each in content_types().items()}
    return {kinds[type_id]: [object_id(kinds[type_id], number)]} if type_id in kinds else {}


def object_number(kind: str, thing: str) -> str:
    """Return the number of an object as it is stored; raises NotFound for another kind's id."""
    return str(public_ids.require(_PREFIXES[kind], thing))


def direct_grants(
    space: Space, user: User | None = None
) -> list[UserObjectGrant | TeamObjectGrant]:
    """Return what was given on single objects of the space, to the user or to anybody."""
    own = UserObjectGrant.objects.filter(space=space).select_related("permission", "user")
    teams = TeamObjectGrant.objects.filter(space=space).select_related("permission", "group__team")
    if user is not None:
        own = own.filter(user=user)
        theirs = Team.objects.filter(Q(users=user) | Q(everyone=True))
        teams = teams.filter(group__team__in=theirs.values("pk"))
    return [*own.order_by("user__username", "pk"), *teams.order_by("group__team__name", "pk")]


def object_id(kind: str, number: str) -> str:
    """Return the public id of an object of the kind."""
    return public_ids.make(_PREFIXES[kind], int(number))

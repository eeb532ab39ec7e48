"""Who holds a permission in a space, so that a refusal can say whom to ask."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Q

from deployments.access.grant_rules import Grants
from deployments.access.grants import grants_of_role
from deployments.access.models import RoleScope, ScopedUserRole, TeamObjectGrant
from deployments.access.object_grants import scopes_of
from deployments.base.models import Space

_MOST_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Holders:
    """The teams of a space that have members, each with what one of its roles lets them do."""

    roles: tuple[tuple[str, Grants], ...]

    def anywhere(self, permission: str) -> list[str]:
        """Return the teams that hold the permission on something, by name."""
        return _names(team for team, own in self.roles if own.allows_anywhere(permission))

    def of(self, permission: str, **values: Any) -> list[str]:
        """Return the teams that hold the permission on a thing with these values, by name."""
        return _names(team for team, own in self.roles if own.allows(permission, **values))


def holders_in(space: Space) -> Holders:
    """Read the teams and what they may do; a fixed number of queries, beside those of scopes."""
    rows = list(
        ScopedUserRole.objects.filter(space=space)
        .filter(Q(team__users__is_active=True) | Q(team__everyone=True))
        .distinct()
        .order_by("pk")
        .values("pk", "team__name", "role__space_permissions")
    )
    scopes: dict[int, dict[str, list[str]]] = {}
    found = RoleScope.objects.filter(scoped_role__in=[row["pk"] for row in rows])
    for number, kind, value in found.values_list("scoped_role_id", "kind", "object_id"):
        scopes.setdefault(number, {}).setdefault(kind, []).append(value)
    direct = TeamObjectGrant.objects.filter(space=space).values_list(
        "group__team__name", "permission__codename", "content_type_id", "object_pk"
    )
    return Holders(
        tuple(
            (team, grants_of_role(space, [permission], limits))
            for team, permission, type_id, number in direct
            if (limits := scopes_of(type_id, number))
        )
        + tuple(
            (
                row["team__name"],
                grants_of_role(space, row["role__space_permissions"], scopes.get(row["pk"], {})),
            )
            for row in rows
        )
    )


def holders_sentence(teams: Sequence[str]) -> str:
    """Say which teams to ask, the first few by name."""
    if not teams:
        return "No team has it."
    more = len(teams) - _MOST_NAMED
    named = list(teams[:_MOST_NAMED])
    if more > 0:
        named.append("another one" if more == 1 else f"{more} others")
    if len(named) == 1:
        return f"The team {named[0]} has it."
    return f"The teams {', '.join(named[:-1])} and {named[-1]} have it."


def _names(found: Any) -> list[str]:
    return sorted(set(found), key=str.lower)

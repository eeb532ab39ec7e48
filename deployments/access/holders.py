"""Who holds a permission in a space, so that a refusal can say whom to ask."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Q

from deployments.access.grant_rules import Grants
from deployments.access.grants import grants_of_role, read_once
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
    """Read the teams and what they may do; a fixed number of queries, beside those of scopes.

    Once for a request, however often it asks.
    """
    return read_once(("holders", space.pk), lambda: _read(space))


def _read(space: Space) -> Holders:
    return Holders((*_given_directly(space), *_roles(space)))


def _given_directly(space: Space) -> Iterator[tuple[str, Grants]]:
    rows = (
        TeamObjectGrant.objects.filter(space=space)
        .filter(Q(group__team__users__is_active=True) | Q(group__team__everyone=True))
        .values_list("group__team__name", "permission__codename", "content_type_id", "object_pk")
        .distinct()
    )
    merged: dict[tuple[str, str, str], list[str]] = {}
    for team, permission, type_id, number in rows:
        for kind, ids in scopes_of(type_id, number).items():
            merged.setdefault((team, permission, kind), []).extend(ids)
    for (team, permission, kind), ids in merged.items():
        yield team, grants_of_role(space, [permission], {kind: ids})


def _roles(space: Space) -> Iterator[tuple[str, Grants]]:
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
    for row in rows:
        limits = scopes.get(row["pk"], {})
        yield row["team__name"], grants_of_role(space, row["role__space_permissions"], limits)


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

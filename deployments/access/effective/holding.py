"""What a user may do in a space, where, and through which team and role."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from django.db.models import Q

from deployments.access.models import ScopedUserRole, Team, TeamObjectGrant, User
from deployments.access.object_grants import direct_grants, object_id
from deployments.access.permissions import Permission, dimensions
from deployments.access.queries import teams_visible_to
from deployments.access.scope_values import (
    KINDS,
    NOUNS,
    ScopeNames,
    content_types,
    visible_names,
)
from deployments.access.services.guards import stored_scopes
from deployments.base.actor import Actor
from deployments.base.models import Space

_KNOWN: Final = frozenset(Permission.__members__)
_DIMENSION: Final = {
    "project": {"project"},
    "project_group": {"project", "project_group"},
    "environment": {"environment"},
    "tenant": {"tenant"},
    "tenant_tag": {"tenant"},
}


@dataclass(frozen=True, slots=True)
class Limit:
    """Some values of one kind; `hidden` counts those that are gone or not to be seen."""

    kind: str
    names: tuple[str, ...]
    hidden: int = 0

    def __str__(self) -> str:
        shown = list(self.names)
        if self.hidden:
            be = "is" if self.hidden == 1 else "are"
            shown.append(f"{self.hidden} that {be} gone or that you may not see")
        return f"{NOUNS[self.kind][1]} {', '.join(shown)}"


@dataclass(frozen=True, slots=True)
class Held:
    """One permission through one role of one team.

    At system level `space` is empty; `team_id` is, when the reader may not see the team. What was
    given directly on one object has no role.
    """

    permission: Permission
    team: str
    team_id: str
    role: str
    space: str
    limits: tuple[Limit, ...]

    @property
    def is_system(self) -> bool:
        return not self.space

    @property
    def through(self) -> str:
        """Say through what it is held."""
        if self.role:
            return f"{self.role} of {self.team}"
        return f"given directly to {self.team}" if self.team else "given directly"

    @property
    def where(self) -> str:
        """Say where it holds."""
        if self.is_system:
            return "At system level"
        return "; ".join(str(limit) for limit in self.limits) or "Everywhere in the space"


def teams_of(user: User) -> list[Team]:
    """Return the teams that the user is in."""
    return list(Team.objects.filter(Q(users=user) | Q(everyone=True)).distinct())


def held_by(reader: Actor, user: User, *spaces: Space) -> list[Held]:
    """Return what the user holds in the spaces and at system level, by permission and team."""
    rows = ScopedUserRole.objects.filter(team__in=teams_of(user))
    rows = (
        rows.select_related("team", "role").prefetch_related("scopes").order_by("team__name", "pk")
    )
    names = {space.pk: (space, visible_names(reader, space)) for space in spaces}
    is_own = reader.user_id == user.pk
    seen = set(teams_visible_to(reader).values_list("pk", flat=True))
    found: list[Held] = []
    for row in rows:
        if row.team_id not in seen:
            row.team = Team(name=_called(row.team, is_shown=is_own))
        found += _of_level(row, row.role.system_permissions, None, ())
        if row.space_id in names:
            space, known = names[row.space_id]
            limits = limits_of(row, known)
            found += _of_level(row, row.role.space_permissions, space, limits)
    found += _given_directly(user, seen, names, is_own=is_own)
    order = {permission: place for place, permission in enumerate(Permission)}
    return sorted(found, key=lambda one: (order[one.permission], one.space != "", one.space))


def _given_directly(
    user: User,
    seen: Collection[int],
    spaces: Mapping[int, tuple[Space, ScopeNames]],
    *,
    is_own: bool,
) -> list[Held]:
    kinds = {each.pk: kind for kind, each in content_types().items()}
    found = []
    for space, names in spaces.values():
        for grant in direct_grants(space, user):
            kind, name = kinds[grant.content_type_id], grant.permission.codename
            if name not in _KNOWN:
                continue
            limit = _limit(kind, [object_id(kind, grant.object_pk)], names)
            team = grant.group.team if isinstance(grant, TeamObjectGrant) else None
            is_shown = team is not None and team.pk in seen
            found.append(
                Held(
                    permission=Permission(name),
                    team=_called(team, is_shown=is_shown or is_own) if team else "",
                    team_id=team.public_id if team and is_shown else "",
                    role="",
                    space=space.name,
                    limits=(limit,),
                )
            )
    return found


def _called(team: Team, *, is_shown: bool) -> str:
    return team.name if is_shown else "a team that you may not see"


def limits_of(row: ScopedUserRole, names: ScopeNames) -> tuple[Limit, ...]:
    """Return what an assignment is limited to, by name."""
    stored = stored_scopes(row)
    return tuple(_limit(kind, stored[kind], names) for kind in KINDS if stored.get(kind))


def ignoring(role_permissions: Iterable[str], limits: Iterable[Limit]) -> list[tuple[str, int]]:
    """Return nouns of limits with how many permissions of a role do not heed them."""
    known = [Permission(name) for name in role_permissions if name in _KNOWN]
    counted = [
        (NOUNS[limit.kind][1], sum(1 for each in known if not applies(limit.kind, each)))
        for limit in limits
    ]
    return [(noun, count) for noun, count in counted if count]


def applies(kind: str, permission: str) -> bool:
    """Tell whether a limit of this kind counts for the permission."""
    return bool(_DIMENSION[kind] & dimensions(permission))


def _of_level(
    row: ScopedUserRole,
    permissions: Iterable[str],
    space: Space | None,
    limits: tuple[Limit, ...],
) -> list[Held]:
    return [
        Held(
            permission=Permission(name),
            team=row.team.name,
            team_id=row.team.public_id if row.team.pk else "",
            role=row.role.name,
            space=space.name if space else "",
            limits=tuple(limit for limit in limits if applies(limit.kind, name)),
        )
        for name in permissions
        if name in _KNOWN
    ]


def _limit(kind: str, values: list[str], names: ScopeNames) -> Limit:
    own = names.of(kind)
    shown = sorted((own[value] for value in values if value in own), key=str.lower)
    return Limit(kind, tuple(shown), len(values) - len(shown))

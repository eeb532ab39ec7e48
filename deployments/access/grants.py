"""Loading grants: few queries, kept for the request, and by each process under a version."""

import time
import uuid
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Q

from deployments.access.grant_rules import EVERYTHING, Assignment, Grants, permissions_of
from deployments.access.models import RoleScope, ScopedUserRole, Team
from deployments.access.object_grants import direct_rows
from deployments.base import public_ids
from deployments.base.actor import Actor
from deployments.base.models import Space
from deployments.base.settings_rows import get_setting, register_usual_setting, set_setting

__all__ = [
    "EVERYTHING",
    "Assignment",
    "Grants",
    "held_for_a_while",
    "load_grants",
    "permissions_of",
    "team_changed",
]

T = TypeVar("T")
Expander = Callable[[Space, frozenset[str]], frozenset[int]]

_PREFIXES = {
    "project": "Projects",
    "project_group": "ProjectGroups",
    "environment": "Environments",
    "tenant": "Tenants",
}
_VERSION = "access.version"
register_usual_setting(_VERSION)
_KEPT_S = 300
_MOST_KEPT = 1000
_expanders: dict[str, Expander] = {}


@dataclass(frozen=True, slots=True)
class _Row:
    """One assignment as it is stored: a role of a team, or what was given on single objects."""

    space: int | None
    permissions: frozenset[str]
    system: frozenset[str]
    scopes: Mapping[str, list[str]]


@dataclass(frozen=True, slots=True)
class _Kept:
    """A user's assignments under a version, and until when (monotonic)."""

    version: str
    until: float
    rows: tuple[_Row, ...]


_kept: dict[int, _Kept] = {}


@dataclass
class _Held:
    """What was loaded: assignments by user, grants by user and space, and what else was read."""

    rows: dict[int, tuple[_Row, ...]] = field(default_factory=dict)
    grants: dict[tuple[int, int | None], Grants] = field(default_factory=dict)
    others: dict[Hashable, Any] = field(default_factory=dict)


_held: ContextVar[_Held | None] = ContextVar("held_grants", default=None)


def register_expander(kind: str, expander: Expander) -> None:
    """Register how scope values become numbers.

    `project_group` becomes projects, `tenant_tag` tenants; the app that owns them does this in its
    `ready()`.
    """
    _expanders[kind] = expander


@contextmanager
def held_for_a_while() -> Iterator[None]:
    """Load each actor's grants once inside the block (a request, a step of a task)."""
    token = _held.set(_Held())
    try:
        yield
    finally:
        _held.reset(token)


def load_grants(actor: Actor, space: Space | None) -> Grants:
    """Return what the actor may do in the space; with None, at system level only."""
    if actor.is_system:
        return EVERYTHING
    if actor.user_id is None:
        return Grants()
    held = _held.get() or _Held()
    key = (actor.user_id, space.pk if space else None)
    if key not in held.grants:
        if actor.user_id not in held.rows:
            held.rows[actor.user_id] = _rows(actor.user_id)
        held.grants[key] = _compiled(held.rows[actor.user_id], space)
    return held.grants[key]


def read_once(key: Hashable, read: Callable[[], T]) -> T:
    """Return what is read of teams and roles; once inside `held_for_a_while`, as grants are."""
    held = _held.get() or _Held()
    if key not in held.others:
        held.others[key] = read()
    found: T = held.others[key]
    return found


def team_changed() -> None:
    """Make every cached grant stale; called by each change to teams, roles and users."""
    set_setting(_VERSION, uuid.uuid4().hex)
    held = _held.get()
    if held is not None:
        held.rows.clear()
        held.grants.clear()
        held.others.clear()


def _rows(user_id: int) -> tuple[_Row, ...]:
    """Return the assignments of all of the user's teams, as kept while the version is the same."""
    if transaction.get_connection().in_atomic_block:
        return _read_rows(user_id)  # may see changes that others must not get
    version, now = get_setting(_VERSION, ""), time.monotonic()
    kept = _kept.get(user_id)
    if kept is None or kept.version != version or kept.until < now:
        kept = _Kept(version, now + _KEPT_S, _read_rows(user_id))
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        _kept[user_id] = kept
    return kept.rows


def _read_rows(user_id: int) -> tuple[_Row, ...]:
    teams = Team.objects.filter(Q(users=user_id) | Q(everyone=True)).values("pk")
    roles = list(
        ScopedUserRole.objects.filter(team__in=teams)
        .order_by("pk")
        .values(
            "pk",
            "space_id",
            "team__space_id",
            "role__space_permissions",
            "role__system_permissions",
        )
    )
    scopes: dict[int, dict[str, list[str]]] = {}
    found = RoleScope.objects.filter(scoped_role__in=[role["pk"] for role in roles])
    for number, kind, value in found.values_list("scoped_role_id", "kind", "object_id"):
        scopes.setdefault(number, {}).setdefault(kind, []).append(value)
    direct = [
        _Row(row["space"], permissions_of(row["permissions"]), frozenset(), row["scopes"])
        for row in direct_rows(user_id, teams)
    ]
    return (
        *direct,
        *(
            _Row(
                role["space_id"],
                permissions_of(role["role__space_permissions"]),
                permissions_of(role["role__system_permissions"]),
                scopes.get(role["pk"], {}),
            )
            for role in roles
        ),
    )


def _compiled(rows: Iterable[_Row], space: Space | None) -> Grants:
    # A role of a space carries its few system permissions (seeing people) to system level.
    system = frozenset(name for row in rows for name in row.system)
    if space is None:
        return Grants(system=system)
    assignments = tuple(
        _assignment(space, row.permissions, row.scopes) for row in rows if row.space == space.pk
    )
    return Grants(assignments=assignments, system=system)


def grants_of_role(
    space: Space, permissions: Iterable[str], scopes: Mapping[str, list[str]]
) -> Grants:
    """Return what one role, limited to the scopes, lets its team do in the space."""
    return Grants(assignments=(_assignment(space, permissions_of(permissions), scopes),))


def _assignment(
    space: Space, permissions: frozenset[str], scopes: Mapping[str, list[str]]
) -> Assignment:
    groups = _numbers(scopes, "project_group")
    tenants = _numbers(scopes, "tenant") | expand(space, "tenant_tag", scopes.get("tenant_tag", ()))
    return Assignment(
        permissions=permissions,
        projects=_numbers(scopes, "project")
        | expand(space, "project_group", scopes.get("project_group", ())),
        project_groups=groups,
        environments=_numbers(scopes, "environment"),
        tenants=tenants,
        limits_projects=bool(scopes.get("project") or scopes.get("project_group")),
        limits_environments=bool(scopes.get("environment")),
        limits_tenants=bool(scopes.get("tenant") or scopes.get("tenant_tag")),
        tenant_tags=frozenset(text.lower() for text in scopes.get("tenant_tag", ())),
    )


def _numbers(scopes: Mapping[str, list[str]], kind: str) -> frozenset[int]:
    parsed = (public_ids.parse(_PREFIXES[kind], text) for text in scopes.get(kind, ()))
    return frozenset(number for number in parsed if number is not None)


def expand(space: Space, kind: str, values: Iterable[str]) -> frozenset[int]:
    """Return the numbers that the values of a registered kind stand for in the space."""
    wanted = frozenset(values)
    expander = _expanders.get(kind)
    return expander(space, wanted) if wanted and expander else frozenset()

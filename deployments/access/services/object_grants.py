"""Giving permissions on single objects, and taking them."""

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import Permission as StoredPermission
from django.db import transaction

from deployments.access.effective.texts import describe
from deployments.access.grants import team_changed
from deployments.access.models import Team, TeamObjectGrant, User, UserObjectGrant
from deployments.access.object_grants import GIVABLE, givable, object_number, scopes_of
from deployments.access.permissions import Permission
from deployments.access.policy import require
from deployments.access.scope_values import NOUNS, content_types, visible_names
from deployments.access.services.guards import require_holds
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.errors import Invalid
from deployments.base.models import Space

ObjectGrant = UserObjectGrant | TeamObjectGrant


def give_on_object(
    *,
    actor: Actor,
    space: Space,
    holder: User | Team,
    kind: str,
    thing: str,
    permissions: Sequence[str],
) -> None:
    """Give a user or a team permissions on one thing (its public id) of the space.

    Raises Invalid, and NotPermitted when the actor does not hold them there.
    """
    require(actor, space, Permission.TeamEdit)
    if isinstance(holder, Team) and holder.space_id not in {None, space.pk}:
        raise Invalid(f"The team {holder.name} belongs to another space.")
    name = visible_names(actor, space, [kind]).of(kind).get(thing) if kind in GIVABLE else None
    if name is None:
        raise Invalid("Choose what the permissions are given on.")
    if not permissions or not set(givable(kind)).issuperset(permissions):
        raise Invalid(f"Choose permissions that a {NOUNS[kind][0]} limits.")
    require_holds(actor, space, permissions, {kind: [thing]})
    with transaction.atomic():
        for permission in dict.fromkeys(permissions):
            _store(kind, space, holder, thing, Permission(permission))
        events.record(
            actor=actor,
            space=space,
            category="Created",
            message=f"{_called(holder)} was given {', '.join(permissions)} on {name}",
            subject=holder.public_id,
            related=[thing],
        )
        team_changed()


def take_from_object(*, actor: Actor, space: Space, grant: ObjectGrant) -> None:
    """Take a permission on one thing back."""
    require(actor, space, Permission.TeamEdit)
    holder = holder_of(grant)
    ((kind, (thing,)),) = scopes_of(grant.content_type_id, grant.object_pk).items()
    name = visible_names(actor, space, [kind]).of(kind).get(thing, thing)
    with transaction.atomic():
        events.record(
            actor=actor,
            space=space,
            category="Deleted",
            message=f"{grant.permission.codename} on {name} was taken from {_called(holder)}",
            subject=holder.public_id,
            related=[thing],
        )
        grant.delete()
        team_changed()


def holder_of(grant: ObjectGrant) -> User | Team:
    """Return the user or the team of a grant."""
    if isinstance(grant, UserObjectGrant):
        return grant.user
    return grant.group.team


def _store(
    kind: str, space: Space, holder: User | Team, thing: str, permission: Permission
) -> None:
    content_type = content_types()[kind]
    stored, _ = StoredPermission.objects.get_or_create(
        content_type=content_type,
        codename=permission.value,
        defaults={"name": describe(permission)},
    )
    values: dict[str, Any] = {
        "permission": stored,
        "content_type": content_type,
        "object_pk": object_number(kind, thing),
    }
    if isinstance(holder, User):
        UserObjectGrant.objects.get_or_create(user=holder, **values, defaults={"space": space})
    else:
        group = holder.group
        TeamObjectGrant.objects.get_or_create(group=group, **values, defaults={"space": space})


def _called(holder: User | Team) -> str:
    return f"User {holder.username}" if isinstance(holder, User) else f"Team {holder.name}"

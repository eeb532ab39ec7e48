"""Spaces: creating, changing, deleting, and who manages them."""

import secrets
from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import F
from django.utils.text import slugify

from deployments.access.built_in_roles import SPACE_MANAGER
from deployments.access.grants import load_grants, team_changed
from deployments.access.models import ScopedUserRole, Team, User, UserRole
from deployments.access.permissions import Permission
from deployments.access.services.teams import new_team
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.errors import Invalid, NotFound
from deployments.base.models import Deletion, Space
from deployments.base.naming import unique_slug
from deployments.base.services import spaces as base


def create_space(
    *,
    actor: Actor,
    name: str,
    slug: str = "",
    description: str = "",
    manager_teams: Iterable[Team] = (),
    manager_users: Iterable[User] = (),
    is_default: bool = False,
    task_queue_stopped: bool = False,
) -> Space:
    """Create a space that some team or user manages. Raises Invalid.

    To make it the default changes another one, which takes SpaceEdit as well.
    """
    grants = load_grants(actor, None)
    grants.require_system(Permission.SpaceCreate)
    if is_default:
        grants.require_system(Permission.SpaceEdit)
    teams, users = list(manager_teams), list(manager_users)
    if not actor.is_system:
        _require_managers(teams, users)
    with transaction.atomic():
        if is_default:
            Space.objects.filter(is_default=True).update(is_default=False)
        space = base.create_space(
            actor=actor, name=name, slug=slug, description=description, is_default=is_default
        )
        if task_queue_stopped:
            space.task_queue_stopped = True
            space.save(update_fields=["task_queue_stopped"])
        _set_managers(space, teams, users)
        team_changed()
    return space


def update_space(
    *,
    actor: Actor,
    space: Space,
    name: str,
    slug: str = "",
    description: str = "",
    manager_teams: Iterable[Team] = (),
    manager_users: Iterable[User] = (),
    is_default: bool = False,
    task_queue_stopped: bool = False,
) -> Space:
    """Change a space, its managers and whether its task queue runs. Raises Invalid."""
    load_grants(actor, None).require_system(Permission.SpaceEdit)
    users = list(manager_users)
    name = base.valid_space_name(name)
    with transaction.atomic():
        _hold(space)
        own = managers_team(space)
        # Of its own team the members count.
        teams = [team for team in manager_teams if team.pk != own.pk]
        _require_managers(teams, users)
        if space.is_default and not is_default:
            raise Invalid(fields={"IsDefault": ["Make another space the default instead."]})
        others = Space.objects.exclude(pk=space.pk)
        if others.filter(name__iexact=name).exists():
            raise Invalid(fields={"Name": [f"A space with the name '{name}' already exists."]})
        if is_default and not space.is_default:
            others.filter(is_default=True).update(is_default=False)
        before = snapshot(space)
        if slug and slug != space.slug:
            space.slug = unique_slug(slug, taken=lambda s: others.filter(slug=s).exists())
        space.name, space.description = name, description
        space.is_default, space.task_queue_stopped = is_default, task_queue_stopped
        space.save(
            update_fields=["name", "slug", "description", "is_default", "task_queue_stopped"]
        )
        _set_managers(space, teams, users)
        events.record(
            actor=actor,
            space=space,
            category="Modified",
            message=f"Space {space.name} was changed",
            subject=space.public_id,
            before=before,
            after=snapshot(space),
        )
        team_changed()
    return space


def delete_space(*, actor: Actor, space: Space) -> None:
    """Delete a space once its task queue is stopped and nothing runs. Raises Invalid.

    It is gone for everybody at once; what was in it goes in the background.
    """
    load_grants(actor, None).require_system(Permission.SpaceDelete)
    if space.is_default:
        raise Invalid("The default space cannot be deleted.")
    if not space.task_queue_stopped:
        raise Invalid("Stop the task queue of the space before you delete it.")
    if reasons := base.objections_to_deletion(space):
        raise Invalid(*reasons)
    with transaction.atomic():
        events.record(
            actor=actor,
            space=None,
            category="Deleted",
            message=f"Space {space.name} was deleted",
            subject=space.public_id,
            before=snapshot(space),
        )
        # Both are free for another space at once.
        gone = f"deleted {space.public_id} {secrets.token_hex(4)}"
        deleted = Space.objects.filter(pk=space.pk, task_queue_stopped=True, is_default=False)
        if not deleted.update(name=gone, slug=slugify(gone), deletion=Deletion.RUNNING):
            raise Invalid("Somebody else changed the space at the same moment.")
        base.depart(space)
        ScopedUserRole.objects.filter(space=space).delete()
        teams = Team.objects.filter(space=space)
        groups = Group.objects.filter(pk__in=list(teams.values_list("group", flat=True)))
        teams.delete()
        groups.delete()
        team_changed()


def managers_team(space: Space) -> Team:
    """Return the built-in team of the space's managers."""
    return Team.objects.get(built_in_id=f"teams-spacemanagers-{space.public_id}")


def seed_managers_team(space: Space, actor: Actor) -> None:
    """Give a new space its team of managers."""
    team = new_team(
        space=space,
        name="Space Managers",
        description="Does everything within the space.",
        built_in_id=f"teams-spacemanagers-{space.public_id}",
    )
    ScopedUserRole.objects.create(team=team, role=_manager_role(), space=space)


def snapshot(space: Space) -> dict[str, Any]:
    """Return what events compare of a space."""
    return {
        "Name": space.name,
        "Slug": space.slug,
        "Description": space.description,
        "IsDefault": space.is_default,
        "TaskQueueStopped": space.task_queue_stopped,
    }


def _hold(space: Space) -> None:
    """Lock the space and read it anew, so that nothing of a moment ago is written back."""
    if not Space.objects.filter(pk=space.pk).update(slug=F("slug")):
        raise NotFound
    space.refresh_from_db()


def _manager_role() -> UserRole:
    return UserRole.objects.get(built_in_id=SPACE_MANAGER.built_in_id)


def _require_managers(teams: list[Team], users: list[User]) -> None:
    if not teams and not users:
        text = "A space needs at least one team or user that manages it."
        raise Invalid(fields={"SpaceManagersTeams": [text]})


def _set_managers(space: Space, teams: list[Team], users: list[User]) -> None:
    own = managers_team(space)
    # Whom a provider put in stays until its groups say otherwise.
    own.users.set({*users, *User.objects.filter(provided_memberships__team=own)})
    held = ScopedUserRole.objects.filter(space=space, role=_manager_role()).exclude(team=own)
    held.exclude(team__in=teams).delete()
    for team in teams:
        if team.space_id not in {None, space.pk}:
            text = f"There is no team {team.public_id}."
            raise Invalid(fields={"SpaceManagersTeams": [text]})
        ScopedUserRole.objects.get_or_create(space=space, role=_manager_role(), team=team)

"""Teams and their members."""

import uuid
from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction

from deployments.access.grants import team_changed
from deployments.access.models import Team, User
from deployments.access.permissions import Permission
from deployments.access.services.guards import (
    require_for_space,
    require_holds_team,
    require_over_team,
)
from deployments.access.signing_in.throttle import one_spelling
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.errors import Invalid
from deployments.base.models import Space


def create_team(
    *,
    actor: Actor,
    space: Space | None,
    name: str,
    description: str = "",
    members: Iterable[User] = (),
) -> Team:
    """Create a team of the space, or a system team. Raises Invalid."""
    require_for_space(actor, space, Permission.TeamCreate)
    _check(space, name)
    with transaction.atomic():
        team = new_team(space=space, name=name.strip(), description=description)
        team.users.set(members)
        _record(actor, team, "Created", "created", {}, snapshot(team))
        team_changed()
    return team


def update_team(
    *, actor: Actor, team: Team, name: str, description: str = "", members: Iterable[User]
) -> Team:
    """Change a team's name and members.

    Raises Invalid, and NotPermitted when a new member would get what the actor lacks.
    """
    require_over_team(actor, team, Permission.TeamEdit)
    chosen = set(members)
    members = chosen | _provided(team)
    if members - set(team.users.all()):
        require_holds_team(actor, team)
    if name.strip() != team.name:
        if team.built_in_id:
            raise Invalid(fields={"Name": ["A built-in team cannot be renamed."]})
        _check(team.space, name, besides=team)
    if team.everyone and members:
        text = "Everybody is in this team; members cannot be chosen."
        raise Invalid(fields={"MemberUserIds": [text]})
    if team.built_in_id and not team.everyone and not members and team.users.exists():
        raise Invalid(fields={"MemberUserIds": ["This team needs at least one member."]})
    with transaction.atomic():
        before = snapshot(team)
        team.name, team.description = name.strip(), description
        team.save()
        team.users.set(chosen | _provided(team))  # also who came since
        _record(actor, team, "Modified", "changed", before, snapshot(team))
        team_changed()
    return team


def delete_team(*, actor: Actor, team: Team) -> None:
    """Delete a team that is not built in. Raises Invalid."""
    require_over_team(actor, team, Permission.TeamDelete)
    if not team.can_be_deleted:
        raise Invalid("A built-in team cannot be deleted.")
    with transaction.atomic():
        _record(actor, team, "Deleted", "deleted", snapshot(team), {})
        group = team.group
        team.delete()
        group.delete()
        team_changed()


def new_team(
    *,
    space: Space | None,
    name: str,
    description: str = "",
    built_in_id: str = "",
    everyone: bool = False,
) -> Team:
    """Create the rows of a team with its Django group, without checks or events."""
    # Nobody sees the group; a name of its own stays free when the team is renamed.
    group = Group.objects.create(name=built_in_id or f"team {uuid.uuid4().hex}")
    return Team.objects.create(
        space=space,
        name=name,
        description=description,
        built_in_id=built_in_id,
        can_be_deleted=not built_in_id,
        everyone=everyone,
        group=group,
    )


def snapshot(team: Team) -> dict[str, Any]:
    """Return what events compare of a team."""
    return {
        "Name": team.name,
        "Description": team.description,
        "Members": sorted(team.users.values_list("username", flat=True)),
    }


def _provided(team: Team) -> set[User]:
    """Return whom providers put in: they stay until their groups say otherwise."""
    return set(User.objects.filter(provided_memberships__team=team))


def _check(space: Space | None, name: str, besides: Team | None = None) -> None:
    name = name.strip()
    wanted = one_spelling(name)
    if not wanted or len(name) > 100:  # noqa: PLR2004 as the column
        text = "Name is required and has at most 100 characters."
        raise Invalid(fields={"Name": [text]})
    rows = Team.objects.filter(space=space)
    if any(row != besides and one_spelling(row.name) == wanted for row in rows):
        raise Invalid(fields={"Name": [f"A team with the name '{name}' already exists."]})


def _record(actor: Actor, team: Team, category: str, verb: str, before: Any, after: Any) -> None:
    events.record(
        actor=actor,
        space=team.space,
        category=category,
        message=f"Team {team.name} was {verb}",
        subject=team.public_id,
        before=before,
        after=after,
    )

"""Reading people, teams and roles as far as an actor may."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Q, QuerySet

from deployments.access.built_in_roles import SPACE_MANAGER
from deployments.access.grants import load_grants
from deployments.access.models import ScopedUserRole, Team, User, UserRole
from deployments.access.permissions import Permission
from deployments.access.spaces import visible_spaces
from deployments.base import public_ids
from deployments.base.actor import Actor
from deployments.base.errors import Invalid
from deployments.base.models import Space


def users_visible_to(actor: Actor) -> QuerySet[User]:
    """Return everybody with UserView, else only oneself."""
    if load_grants(actor, None).allows_system(Permission.UserView):
        return User.objects.all()
    return User.objects.filter(pk=actor.user_id or 0)


def matching_users(
    rows: QuerySet[User], text: str, *, kind: str = "", state: str = ""
) -> QuerySet[User]:
    """Return those with the text in name or mail address, of a kind, in a state."""
    if text := text.strip():
        rows = rows.filter(
            Q(username__icontains=text) | Q(display_name__icontains=text) | Q(email__icontains=text)
        )
    if kind in {"people", "service"}:
        rows = rows.filter(is_service=kind == "service")
    if state in {"active", "deactivated"}:
        rows = rows.filter(is_active=state == "active")
    return rows


def teams_visible_to(actor: Actor, space: Space | None = None) -> QuerySet[Team]:
    """Return system teams with TeamView at system level, teams of spaces with it there.

    With a space: its teams and the system teams.
    """
    seen = Q(pk__in=[])
    if load_grants(actor, None).allows_system(Permission.TeamView):
        seen |= Q(space__isnull=True)
    for candidate in [space] if space else visible_spaces(actor):
        if load_grants(actor, candidate).allows(Permission.TeamView):
            seen |= Q(space=candidate)
    return Team.objects.filter(seen).prefetch_related("users", "external_groups__provider")


def matching_teams(rows: QuerySet[Team], text: str) -> QuerySet[Team]:
    """Return those with the text in their name, or in that of a member."""
    if not (text := text.strip()):
        return rows
    members = User.objects.filter(Q(username__icontains=text) | Q(display_name__icontains=text))
    return rows.filter(
        Q(name__icontains=text)
        | Q(pk__in=Team.users.through.objects.filter(user__in=members).values("team"))
    )


def scoped_roles_visible_to(actor: Actor, space: Space | None = None) -> QuerySet[ScopedUserRole]:
    """Return the roles of visible teams; with a space, those in it and at system level."""
    teams = teams_visible_to(actor, space).prefetch_related(None).order_by()
    rows = ScopedUserRole.objects.filter(team__in=teams.values("pk"))
    if space is not None:
        rows = rows.filter(Q(space=space) | Q(space__isnull=True))
    else:
        rows = rows.filter(Q(space__in=visible_spaces(actor)) | Q(space__isnull=True))
    return rows.select_related("team", "role", "space").prefetch_related("scopes").order_by("pk")


@dataclass
class Managers:
    """Public ids of the teams that manage a space and of the members of its own such team."""

    teams: list[str] = field(default_factory=list)
    users: list[str] = field(default_factory=list)


def managers_of(spaces: Iterable[Space]) -> dict[int, Managers]:
    """Return who manages each space, in two queries."""
    found = {space.pk: Managers() for space in spaces}
    roles = ScopedUserRole.objects.filter(
        space__in=list(found), role__built_in_id=SPACE_MANAGER.built_in_id
    ).select_related("team")
    rows = roles.prefetch_related("team__users").order_by("-team__built_in_id", "team__name")
    for row in rows:
        managers = found[row.space_id or 0]
        managers.teams.append(row.team.public_id)
        if row.team.space_id is not None and row.team.built_in_id:
            managers.users.extend(user.public_id for user in row.team.users.all())
    return found


def providers_of_members(team: Team) -> dict[int, str]:
    """Return the members whom providers put into the team, with the provider's name."""
    rows = team.provided.values_list("user_id", "provider__name")
    return dict(rows)


def find_team(rows: QuerySet[Team], text: str) -> Team | None:
    """Return the team by public id, built-in ones by their name-like id."""
    number = public_ids.parse(Team.id_prefix, text)
    wanted = Q(pk=number) if number is not None else Q(built_in_id__iexact=text)
    return rows.filter(wanted).first()


def find_role(rows: QuerySet[UserRole], text: str) -> UserRole | None:
    """Return the role by public id, built-in ones by their name-like id."""
    number = public_ids.parse(UserRole.id_prefix, text)
    wanted = Q(pk=number) if number is not None else Q(built_in_id__iexact=text)
    return rows.filter(wanted).first()


def team_names(ids: Iterable[str]) -> list[str]:
    """Return the names of the teams of public ids, by name; unknown ones are left out."""
    texts = list(ids)
    numbers = [public_ids.parse(Team.id_prefix, text) for text in texts]
    rows = Team.objects.filter(
        Q(pk__in=[number for number in numbers if number is not None]) | Q(built_in_id__in=texts)
    )
    return sorted(rows.values_list("name", flat=True), key=str.lower)


def names_of_managers(actor: Actor, ids: Iterable[str]) -> dict[str, str]:
    """Return the names of teams and users that the actor sees, by their public ids."""
    texts = list(ids)
    numbers = [public_ids.parse(Team.id_prefix, text) for text in texts]
    teams = teams_visible_to(actor).prefetch_related(None)
    teams = teams.filter(
        Q(pk__in=[number for number in numbers if number is not None]) | Q(built_in_id__in=texts)
    )
    names = {team.public_id: team.name for team in teams}
    numbers = [public_ids.parse(User.id_prefix, text) for text in texts]
    users = users_visible_to(actor).filter(pk__in=[n for n in numbers if n is not None])
    return names | {user.public_id: user.username for user in users}


def users_by_ids(ids: list[str]) -> list[User]:
    """Return the users of public ids; unknown ones are left out."""
    numbers = [public_ids.parse(User.id_prefix, text) for text in ids]
    return list(User.objects.filter(pk__in=[n for n in numbers if n is not None]))


def members_by_ids(actor: Actor, ids: Iterable[str], team: Team | None = None) -> list[User]:
    """Return the users of public ids: members of the team already, or whom the actor sees.

    Raises Invalid for any other.
    """
    rows = users_visible_to(actor)
    if team is not None:
        rows = rows | User.objects.filter(pk__in=team.users.values("pk"))
    texts = list(dict.fromkeys(ids))
    numbers = [public_ids.parse(User.id_prefix, text) for text in texts]
    named = rows.filter(pk__in=[number for number in numbers if number is not None])
    known = {user.public_id: user for user in named}
    if unknown := [text for text in texts if text not in known]:
        raise Invalid(fields={"MemberUserIds": [f"There is no user '{unknown[0]}'."]})
    return [known[text] for text in texts]

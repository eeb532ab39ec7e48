"""`/api/teammembership`: who is in which team, and whether a provider's group is why."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Final

from django.db.models import Q
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access import queries
from deployments.access.api.serializers import TeamSerializer
from deployments.access.api.viewsets import ApiViewSet
from deployments.access.models import ExternalLogin, ProvidedMembership, Team, User
from deployments.access.permissions import Permission
from deployments.access.rules import SIGNED_IN
from deployments.access.services.guards import require_for_space
from deployments.access.spaces import space_by_id, visible_spaces
from deployments.base import public_ids
from deployments.base.errors import NotFound
from deployments.base.models import Space

_MOST: Final = 1000
Groups = Iterable[tuple[int | None, str]]


class TeamMembershipViewSet(ApiViewSet):
    """Memberships as rows; everybody sees their own, those of others with TeamView."""

    permission_map: ClassVar = {"list": SIGNED_IN, "preview": SIGNED_IN}
    query_names = ("userId", "spaces", "includeSystem")

    def list(self, request: Request, **ids: Any) -> Response:
        """List the teams of a user, of oneself unless `userId` names another."""
        user = self._user(self.query.text("userId"))
        teams = Team.objects.filter(Q(users=user) | Q(everyone=True)).distinct()
        if user.pk != self.actor.user_id:
            seen = queries.teams_visible_to(self.actor).prefetch_related(None).order_by()
            teams = teams.filter(pk__in=seen.values("pk"))
        wanted = [text for text in (*self.query.texts("spaces"), self.kwargs.get("space")) if text]
        if wanted:
            spaces = [self._space(text).pk for text in wanted]
            teams = teams.filter(Q(space__in=spaces) | Q(space=None))
        if self.query.flag("includeSystem", default=True) is False:
            teams = teams.exclude(space=None)
        rows = list(teams.prefetch_related("external_groups")[:_MOST])
        by_hand = self._by_hand(user, rows)
        groups = _groups_of([user])
        return Response([_row(team, user, groups, is_direct=team.pk in by_hand) for team in rows])

    def preview(self, request: Request, **ids: Any) -> Response:
        """Tell who would be in a team of these members and external groups."""
        data = TeamSerializer(context={"actor": self.actor}).read(request.data)
        text = data["space_id"] or self.kwargs.get("space")
        space = self._space(text) if text else None
        require_for_space(self.actor, space, Permission.TeamEdit)
        members = queries.members_by_ids(self.actor, data["member_user_ids"])
        wanted = [
            (public_ids.parse("IdentityProviders", each["provider"] or ""), each["group"])
            for each in data["external_security_groups"] or ()
        ]
        team = Team(name=data["name"], space=space)
        direct = {user.pk for user in members}
        seen = queries.users_visible_to(self.actor).filter(is_active=True)
        logins = ExternalLogin.objects.filter(user__in=seen).select_related("user")
        told = logins.exclude(groups=[]).iterator() if wanted else ()
        followers = [login.user for login in told if _matching(login, wanted)]
        people = {user.pk: user for user in (*members, *followers)}
        shown = list(people.values())[:_MOST]
        groups = _groups_of(shown)
        return Response(
            [_row(team, user, groups, is_direct=user.pk in direct, wanted=wanted) for user in shown]
        )

    def _by_hand(self, user: User, teams: Sequence[Team]) -> set[int]:
        given = ProvidedMembership.objects.filter(user=user, team__in=teams)
        return {team.pk for team in teams} - set(given.values_list("team", flat=True))

    def _user(self, text: str) -> User:
        number = public_ids.parse(User.id_prefix, text) if text else self.actor.user_id
        user = queries.users_visible_to(self.actor).filter(pk=number or 0).first()
        if user is None:
            raise NotFound
        return user

    def _space(self, text: str) -> Space:
        space = space_by_id(text)
        if space is None or not visible_spaces(self.actor).filter(pk=space.pk).exists():
            raise NotFound
        return space


def _groups_of(users: Sequence[User]) -> dict[int, list[ExternalLogin]]:
    found: dict[int, list[ExternalLogin]] = {}
    for login in ExternalLogin.objects.filter(user__in=users):
        found.setdefault(login.user_id, []).append(login)
    return found


def _matching(login: ExternalLogin, wanted: Groups) -> list[str]:
    """Return the wanted groups that the provider told of the person last."""
    told = set(login.groups)
    return [
        group
        for provider, group in wanted
        if provider in {None, login.provider_id} and group in told
    ]


def _row(
    team: Team,
    user: User,
    logins: dict[int, list[ExternalLogin]],
    *,
    is_direct: bool,
    wanted: Groups | None = None,
) -> dict[str, Any]:
    followed = (
        [(row.provider_id, row.group) for row in team.external_groups.all()]
        if wanted is None
        else list(wanted)
    )
    names = [name for login in logins.get(user.pk, ()) for name in _matching(login, followed)]
    return {
        "TeamId": team.public_id if team.pk else None,
        "TeamName": team.name,
        "UserId": user.public_id,
        "SpaceId": f"Spaces-{team.space_id}" if team.space_id else None,
        "IsDirectlyAssigned": is_direct,
        "ExternalGroupNames": list(dict.fromkeys(names)),
    }

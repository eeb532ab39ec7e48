"""Groups of providers, and the memberships of teams that follow them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Q

from deployments.access.grants import team_changed
from deployments.access.models import (
    ExternalLogin,
    IdentityProvider,
    ProvidedMembership,
    Team,
    TeamExternalGroup,
    User,
)
from deployments.access.permissions import Permission
from deployments.access.services.guards import require_holds_team, require_over_team
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid

_MOST_GROUPS: Final = 100
_LONGEST: Final = 400
_FIELD: Final = "ExternalSecurityGroups"


@dataclass(frozen=True, slots=True)
class GroupInput:
    """A group of a provider by the name or id that its tokens have; the label is for people."""

    provider: IdentityProvider
    group: str
    label: str = ""


def set_external_groups(
    *, actor: Actor, team: Team, groups: Iterable[GroupInput]
) -> list[TeamExternalGroup]:
    """Say whose people are members of the team: at once for groups that go, for new ones when
    their people sign in next.

    Raises Invalid, and NotPermitted when a group would give what the actor lacks.
    """
    require_over_team(actor, team, Permission.TeamEdit)
    wanted = _checked(team, groups)
    rows = {(row.provider_id, row.group): row for row in team.external_groups.all()}
    added = [each for key, each in wanted.items() if key not in rows]
    if added:
        require_holds_team(actor, team)
    with transaction.atomic():
        before = _snapshot(rows.values())
        for key, row in rows.items():
            if key not in wanted:
                row.delete()
            elif row.display_name != wanted[key].label:
                row.display_name = wanted[key].label
                row.save()
        for each in added:
            TeamExternalGroup.objects.create(
                team=team, provider=each.provider, group=each.group, display_name=each.label
            )
        stored = list(team.external_groups.select_related("provider"))
        if before != _snapshot(stored):
            events.record(
                actor=actor,
                space=team.space,
                category="Modified",
                message=f"External groups of the team {team.name} were changed",
                subject=team.public_id,
                before=before,
                after=_snapshot(stored),
            )
            _drop_unfounded(team)
    return stored


def follow_groups(*, login: ExternalLogin, groups: Sequence[str]) -> None:
    """Make the person's memberships those that the provider's groups give now."""
    user, provider = login.user, login.provider
    mapped = TeamExternalGroup.objects.filter(provider=provider, group__in=groups)
    wanted = {row.team_id: row.team for row in mapped.select_related("team")}
    with transaction.atomic():
        _forget_untrue(user)
        rows = ProvidedMembership.objects.filter(user=user, provider=provider)
        held = {row.team_id: row for row in rows.select_related("team", "user")}
        login.groups = list(groups)
        login.save(update_fields=["groups"])
        joined = [team for number, team in wanted.items() if number not in held]
        joined = [team for team in joined if _give(team, user, provider)]
        left = [row for number, row in held.items() if number not in wanted]
        left = [row for row in left if _take(row)]
        if joined or left:
            _record(user, provider, joined, [row.team for row in left])


def forget_old_groups(*, clock: Clock = utc_now) -> None:
    """End the memberships of people who have not signed in at their provider for too long."""
    now = clock()
    for provider in IdentityProvider.objects.all():
        since = now - timedelta(days=provider.group_days)
        seen = Q(checked=None) | Q(checked__lt=since)
        stale = provider.logins.filter(seen, last_used__lt=since).exclude(groups=[])
        for login in stale.select_related("user", "provider"):
            follow_groups(login=login, groups=[])


def end_memberships(provider: IdentityProvider) -> None:
    """End all memberships that the provider gave; part of deleting it."""
    rows = ProvidedMembership.objects.filter(provider=provider)
    for row in rows.select_related("team", "user"):
        _take(row)


def _checked(team: Team, groups: Iterable[GroupInput]) -> dict[tuple[int, str], GroupInput]:
    wanted: dict[tuple[int, str], GroupInput] = {}
    for each in groups:
        group, label = each.group.strip(), each.label.strip()
        if not 0 < len(group) <= _LONGEST or not group.isprintable():
            text = f"The name of a group is required and has at most {_LONGEST} characters."
            raise Invalid(fields={_FIELD: [text]})
        if len(label) > _LONGEST or not label.isprintable():
            raise Invalid(fields={_FIELD: [f"A label has at most {_LONGEST} characters."]})
        group = _as_the_provider_tells(each.provider, group)
        wanted[each.provider.pk, group] = GroupInput(each.provider, group, label)
    if team.everyone and wanted:
        raise Invalid(fields={_FIELD: ["Everybody is in this team; it follows no groups."]})
    if len(wanted) > _MOST_GROUPS:
        raise Invalid(fields={_FIELD: [f"A team follows at most {_MOST_GROUPS} groups."]})
    return wanted


def _as_the_provider_tells(provider: IdentityProvider, group: str) -> str:
    """Return the group's name in the one spelling of a directory; others tell just one."""
    if not provider.is_directory:
        return group
    from deployments.access.ldap.names import canonical_dn  # noqa: PLC0415 needs an extra

    try:
        return canonical_dn(group)
    except ValueError:
        text = f"{group[:100]} is no distinguished name such as cn=admins,ou=groups,dc=example."
        raise Invalid(fields={_FIELD: [text]}) from None


def _drop_unfounded(team: Team) -> None:
    """End the memberships that none of the team's groups gives any more."""
    mapped: dict[int, set[str]] = {}
    for provider, group in team.external_groups.values_list("provider_id", "group"):
        mapped.setdefault(provider, set()).add(group)
    logins = ExternalLogin.objects.filter(user__provided_memberships__team=team).distinct()
    founded = {
        (login.user_id, login.provider_id)
        for login in logins
        if mapped.get(login.provider_id, set()) & set(login.groups)
    }
    for row in team.provided.select_related("team", "user"):
        if (row.user_id, row.provider_id) not in founded:
            _take(row)
    team_changed()


def _forget_untrue(user: User) -> None:
    """Drop rows of teams that the user is not in, or their groups would give these never again."""
    rows = ProvidedMembership.objects.filter(user=user)
    rows.exclude(team__in=user.teams.all()).delete()


def _give(team: Team, user: User, provider: IdentityProvider) -> bool:
    """Make the user a member because of the provider; who was put in by hand stays so."""
    others = ProvidedMembership.objects.filter(team=team, user=user)
    is_member = team.users.filter(pk=user.pk).exists()
    if is_member and not others.exists():
        return False
    ProvidedMembership.objects.create(team=team, user=user, provider=provider)
    team.users.add(user)
    team_changed()
    return not is_member


def _take(row: ProvidedMembership) -> bool:
    """End a membership, unless another provider gives it too; a built-in team keeps its last."""
    team, user = row.team, row.user
    if team.built_in_id and not team.users.exclude(pk=user.pk).exists():
        return False
    row.delete()
    if ProvidedMembership.objects.filter(team=team, user=user).exists():
        return False
    team.users.remove(user)
    team_changed()
    return True


def _snapshot(rows: Iterable[TeamExternalGroup]) -> dict[str, Any]:
    return {_FIELD: sorted(f"{row.provider.name}: {row.group}" for row in rows)}


def _record(
    user: User, provider: IdentityProvider, joined: Sequence[Team], left: Sequence[Team]
) -> None:
    gained = [f"joined {', '.join(team.name for team in joined)}"] if joined else []
    lost = [f"left {', '.join(team.name for team in left)}"] if left else []
    teams = [*joined, *left]
    events.record(
        actor=Actor.system("groups of an identity provider"),
        space=None,
        category="Modified",
        message=f"{user.username} {' and '.join([*gained, *lost])} by groups of {provider.name}",
        subject=user.public_id,
        related=[provider.public_id, *(team.public_id for team in teams)],
    )

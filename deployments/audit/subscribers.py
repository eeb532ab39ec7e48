"""Who gets events of a subscription, and which of them they may see now."""

from collections.abc import Iterable, Sequence

from django.db.models import Q, QuerySet

from deployments.access.actors import actor_of
from deployments.access.grants import Grants, grants_of_role
from deployments.access.models import ScopedUserRole, Team, User
from deployments.access.services.guards import stored_scopes
from deployments.audit.models import Subscription
from deployments.audit.queries import events_visible_to, visible_through
from deployments.base import public_ids
from deployments.base.models import Event, Space


def seen_by(user: User | None, space: Space, pks: Sequence[int]) -> "QuerySet[Event]":
    """Return those of the events that the user may see; none once the user may not sign in."""
    if user is None or not user.is_active:
        return Event.objects.none()
    actor = actor_of(user, "Automation")
    return events_visible_to(actor, space, include_system=False).filter(pk__in=pks)


def seen_at_address(subscription: Subscription, pks: Sequence[int]) -> "QuerySet[Event]":
    """Return the events for the web address: what the owner and one of the teams may see."""
    rows = seen_by(subscription.owner, subscription.space, pks)
    if subscription.webhook_teams:
        teams = teams_of(subscription.webhook_teams)
        rows = rows.filter(visible_through(_grants_of(teams, subscription.space)))
    return rows


def recipients(subscription: Subscription) -> list[User]:
    """Return the members of the teams who have an address and may sign in."""
    rows = User.objects.filter(is_active=True).exclude(email="")
    teams = teams_of(subscription.email_teams)
    if not any(team.everyone for team in teams):
        rows = rows.filter(pk__in=User.objects.filter(teams__in=teams).values("pk"))
    return list(rows.order_by("pk")) if teams else []


def teams_of(ids: Iterable[str]) -> list[Team]:
    """Return the teams that still exist."""
    texts = list(ids)
    numbers = [public_ids.parse(Team.id_prefix, text) for text in texts]
    found = Team.objects.filter(
        Q(built_in_id__in=texts) | Q(pk__in=[number for number in numbers if number])
    )
    return [team for team in found if team.public_id in texts]


def _grants_of(teams: Sequence[Team], space: Space) -> list[Grants]:
    rows = ScopedUserRole.objects.filter(team__in=teams, space=space).select_related("role")
    return [
        grants_of_role(space, row.role.space_permissions, stored_scopes(row))
        for row in rows.prefetch_related("scopes")
    ]

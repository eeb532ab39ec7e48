"""Which spaces there are for an actor."""

from django.db.models import Q, QuerySet

from deployments.access.grants import load_grants
from deployments.access.models import ScopedUserRole, Team, TeamObjectGrant, UserObjectGrant
from deployments.access.permissions import Permission
from deployments.base import public_ids
from deployments.base.actor import Actor
from deployments.base.models import Space
from deployments.base.settings_rows import MAINTENANCE

# Every request looks its space up, so what all pages need to know comes along. Django would take
# five times as long to put the same statement together as the database takes to answer it.
_LIVING = """
    SELECT base_space.*,
           EXISTS (SELECT 1 FROM base_serversetting WHERE key = %s) AS in_maintenance
    FROM base_space WHERE deletion = '' AND
"""
_DEFAULT, _BY_NUMBER, _BY_SLUG = (
    f"{_LIVING} {condition}" for condition in ("is_default", "id = %s", "slug = %s")
)


def default_space() -> Space | None:
    """Return the space of paths that name none."""
    return _first(_DEFAULT)


def space_by_id(text: str) -> Space | None:
    """Return the space by public id or slug, ignoring case."""
    number = public_ids.parse(Space.id_prefix, text)
    return _first(_BY_SLUG, text.lower()) if number is None else _first(_BY_NUMBER, number)


def is_maintained(space: Space) -> bool:
    """Tell whether the server was in maintenance mode when the space was looked up."""
    return bool(getattr(space, "in_maintenance", False))


def _first(statement: str, *values: object) -> Space | None:
    return next(iter(Space.objects.raw(statement, [MAINTENANCE, *values])), None)


def visible_spaces(actor: Actor) -> QuerySet[Space]:
    """Return the spaces where the actor may do anything, or all with SpaceView."""
    if load_grants(actor, None).allows_system(Permission.SpaceView):
        return Space.objects.all()
    if actor.user_id is None:
        return Space.objects.none()
    teams = Team.objects.filter(Q(users=actor.user_id) | Q(everyone=True)).values("pk")
    roles = ScopedUserRole.objects.filter(team__in=teams, space__isnull=False)
    direct = UserObjectGrant.objects.filter(user=actor.user_id)
    through_teams = TeamObjectGrant.objects.filter(group__team__in=teams)
    return Space.objects.filter(
        Q(pk__in=roles.exclude(role__space_permissions=[]).values("space"))
        | Q(pk__in=direct.values("space"))
        | Q(pk__in=through_teams.values("space"))
    )

"""Which spaces there are for an actor."""

import json
from typing import Final

from django.db import connection, models
from django.db.models import Exists, Q, QuerySet
from django.db.models.expressions import RawSQL

from deployments.access.grants import load_grants
from deployments.access.models import ScopedUserRole, Team, TeamObjectGrant, UserObjectGrant
from deployments.access.permissions import Permission
from deployments.base import public_ids
from deployments.base.actor import Actor
from deployments.base.models import ServerSetting, Space
from deployments.base.rows import PreparedQuery
from deployments.base.settings_rows import MAINTENANCE, get_setting


def _living() -> QuerySet[Space]:
    """Return the spaces, with what all pages need to know: every request looks its space up."""
    maintenance = ServerSetting.objects.filter(key=MAINTENANCE)
    return Space.objects.annotate(in_maintenance=Exists(maintenance))


_COLUMNS: Final = Space._meta.concrete_fields  # noqa: SLF001 Django's public name
_NAMES: Final = [field.attname for field in _COLUMNS]
_DEFAULT = PreparedQuery(lambda: _living().filter(is_default=True))
_BY_NUMBER = PreparedQuery(lambda number: _living().filter(pk=number), int)
_BY_SLUG = PreparedQuery(lambda slug: _living().filter(slug=slug), str)


def default_space_beside() -> RawSQL:
    """Return an annotation that reads the default space beside a row that each request needs."""
    is_postgres = connection.vendor == "postgresql"
    made = "json_build_object" if is_postgres else "json_object"
    pairs = ", ".join(f"'{field.attname}', {field.column}" for field in _COLUMNS)
    return RawSQL(  # noqa: S611 names of ours
        f"(SELECT CAST({made}({pairs}) AS text) FROM base_space"  # noqa: S608 likewise
        " WHERE is_default AND deletion = '')",
        (),
        models.TextField(),
    )


def space_beside(text: str | None) -> Space | None:
    """Return the space that the annotation has read."""
    if text is None:
        return None
    values = json.loads(text)
    known = [field.to_python(values[field.attname]) for field in _COLUMNS]
    space = Space.from_db(connection.alias, _NAMES, known)
    space.in_maintenance = get_setting(MAINTENANCE) is not None  # type: ignore[attr-defined]  # as `_living` says it
    return space


def default_space() -> Space | None:
    """Return the space of paths that name none."""
    return _DEFAULT.first()


def space_by_id(text: str) -> Space | None:
    """Return the space by public id or slug, ignoring case."""
    number = public_ids.parse(Space.id_prefix, text)
    return _BY_SLUG.first(text.lower()) if number is None else _BY_NUMBER.first(number)


def is_maintained(space: Space) -> bool:
    """Tell whether the server was in maintenance mode when the space was looked up."""
    return bool(getattr(space, "in_maintenance", False))


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

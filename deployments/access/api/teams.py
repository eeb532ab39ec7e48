"""`/api/teams`, `/api/userroles` and `/api/scopeduserroles`."""

from typing import Any, ClassVar

from django.db import transaction
from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access import queries, services
from deployments.access.api.permission_sets import descriptions
from deployments.access.api.serializers import (
    ScopedUserRoleSerializer,
    TeamSerializer,
    UserRoleSerializer,
)
from deployments.access.api.viewsets import SystemViewSet
from deployments.access.models import IdentityProvider, RoleScope, ScopedUserRole, Team, UserRole
from deployments.access.permissions import Permission
from deployments.access.rules import SIGNED_IN
from deployments.access.services.federation.external_groups import (
    GroupInput,
    set_external_groups,
)
from deployments.access.spaces import space_by_id, visible_spaces
from deployments.base import public_ids
from deployments.base.api.query import Query
from deployments.base.errors import Invalid, NotFound
from deployments.base.models import Space

_KINDS = ("project", "project_group", "environment", "tenant")


class _MixedViewSet(SystemViewSet[Any]):
    """Rows of a space or of the system; services check the permission at the right level."""

    def named_space(self) -> Space | None:
        """Return the space of the path, when there is one."""
        text = self.kwargs.get("space")
        return _space(self, text) if text else None

    def space_of_body(self, text: str | None) -> Space | None:
        """Return the space that the body names, if it does. Raises Invalid, NotFound."""
        space, named = _space(self, text) if text else None, self.named_space()
        if space is not None and named is not None and space.pk != named.pk:
            raise Invalid(fields={"SpaceId": [f"The path names another space, {named.public_id}."]})
        return space

    def require_on(self, row: Any, permission: Permission) -> None:
        """Leave it to the service, which knows whether the row is of a space."""


class TeamViewSet(_MixedViewSet):
    """Teams of spaces and of the system."""

    model = Team
    serializer_class = TeamSerializer
    item_type = "Team"
    path = "teams"
    query_names = ("skip", "take", "ids", "partialName", "spaces", "includeSystem")
    permission_map: ClassVar = {
        "list": SIGNED_IN,
        "all": SIGNED_IN,
        "retrieve": SIGNED_IN,
        "create": SIGNED_IN,
        "update": SIGNED_IN,
        "destroy": SIGNED_IN,
        "scoped_user_roles": SIGNED_IN,
    }

    def get_queryset(self) -> QuerySet[Team]:
        return queries.teams_visible_to(self.actor, self.named_space())

    def filtered(self, rows: QuerySet[Team], query: Query) -> QuerySet[Team]:
        if query.flag("includeSystem", default=True) is False:
            rows = rows.filter(space__isnull=False)
        if spaces := query.texts("spaces"):
            found = [space.pk for text in spaces if (space := space_by_id(text))]
            rows = rows.filter(space__in=found) | rows.filter(space__isnull=True)
        if ids := query.texts("ids"):
            found = [team.pk for text in ids if (team := queries.find_team(rows, text))]
            rows = rows.filter(pk__in=found)
        return super().filtered(rows, _without_ids(query))

    def find(self, rows: QuerySet[Team], text: str) -> Team | None:
        return queries.find_team(rows, text)

    def create_row(self, data: dict[str, Any]) -> Team:
        with transaction.atomic():
            team = services.create_team(
                actor=self.actor,
                space=self.space_of_body(data["space_id"]) or self.named_space(),
                name=data["name"],
                description=data["description"] or "",
                members=queries.members_by_ids(self.actor, data["member_user_ids"]),
            )
            return self._followed(team, data)

    def update_row(self, row: Team, data: dict[str, Any]) -> Team:
        with transaction.atomic():
            team = services.update_team(
                actor=self.actor,
                team=row,
                name=data["name"],
                description=data["description"] or "",
                members=queries.members_by_ids(self.actor, data["member_user_ids"], row),
            )
            return self._followed(team, data)

    def _followed(self, team: Team, data: dict[str, Any]) -> Team:
        """Set the team's external groups; clients that do not send them change none."""
        sent = data["external_security_groups"]
        if sent is None or (not sent and not team.external_groups.exists()):
            return team
        groups = [
            GroupInput(_provider(each["provider"]), each["group"], each["display_name"] or "")
            for each in sent
        ]
        set_external_groups(actor=self.actor, team=team, groups=groups)
        return self.get_queryset().get(pk=team.pk)

    def destroy_row(self, row: Team) -> None:
        services.delete_team(actor=self.actor, team=row)

    def scoped_user_roles(self, request: Request, **ids: Any) -> Response:
        roles = ScopedUserRoleViewSet()
        roles.request, roles.actor, roles.query = self.request, self.actor, self.query
        roles.grants, roles.space, roles.kwargs = self.grants, self.space, self.kwargs
        seen = queries.scoped_roles_visible_to(self.actor, self.named_space())
        return roles.page(seen.filter(team=self.get_object()))


class UserRoleViewSet(SystemViewSet[UserRole]):
    """Named sets of permissions."""

    model = UserRole
    serializer_class = UserRoleSerializer
    item_type = "UserRole"
    path = "userroles"
    permission_map: ClassVar = {
        "list": Permission.UserRoleView,
        "all": Permission.UserRoleView,
        "retrieve": Permission.UserRoleView,
        "create": Permission.UserRoleEdit,
        "update": Permission.UserRoleEdit,
        "destroy": Permission.UserRoleEdit,
        "descriptions": SIGNED_IN,
    }

    def get_queryset(self) -> QuerySet[UserRole]:
        return UserRole.objects.all()

    def filtered(self, rows: QuerySet[UserRole], query: Query) -> QuerySet[UserRole]:
        if ids := query.texts("ids"):
            found = [role.pk for text in ids if (role := queries.find_role(rows, text))]
            rows = rows.filter(pk__in=found)
        return super().filtered(rows, _without_ids(query))

    def find(self, rows: QuerySet[UserRole], text: str) -> UserRole | None:
        return queries.find_role(rows, text)

    def create_row(self, data: dict[str, Any]) -> UserRole:
        return services.create_role(actor=self.actor, **_described(data))

    def update_row(self, row: UserRole, data: dict[str, Any]) -> UserRole:
        return services.update_role(actor=self.actor, role=row, **_described(data))

    def destroy_row(self, row: UserRole) -> None:
        services.delete_role(actor=self.actor, role=row)

    def descriptions(self, request: Request, **ids: Any) -> Response:
        return Response(descriptions())


class ScopedUserRoleViewSet(_MixedViewSet):
    """Roles held by teams."""

    model = ScopedUserRole
    serializer_class = ScopedUserRoleSerializer
    item_type = "ScopedUserRole"
    path = "scopeduserroles"
    name_field = ""
    query_names = ("skip", "take", "ids", "partialName", "spaces", "includeSystem")
    permission_map: ClassVar = {
        "list": SIGNED_IN,
        "all": SIGNED_IN,
        "retrieve": SIGNED_IN,
        "create": SIGNED_IN,
        "update": SIGNED_IN,
        "destroy": SIGNED_IN,
    }

    def get_queryset(self) -> QuerySet[ScopedUserRole]:
        return queries.scoped_roles_visible_to(self.actor, self.named_space())

    def create_row(self, data: dict[str, Any]) -> ScopedUserRole:
        team = queries.find_team(queries.teams_visible_to(self.actor), data["team"])
        if team is None:
            raise Invalid(fields={"TeamId": ["There is no such team."]})
        row = services.create_scoped_role(
            actor=self.actor,
            team=team,
            role=_role(data["role"]),
            space=self.space_of_body(data["space"]),
            scopes=_scopes(data),
        )
        return self.get_queryset().get(pk=row.pk)

    def update_row(self, row: ScopedUserRole, data: dict[str, Any]) -> ScopedUserRole:
        services.update_scoped_role(
            actor=self.actor, scoped_role=row, role=_role(data["role"]), scopes=_scopes(data, row)
        )
        return self.get_queryset().get(pk=row.pk)

    def destroy_row(self, row: ScopedUserRole) -> None:
        services.delete_scoped_role(actor=self.actor, scoped_role=row)


def _provider(text: str | None) -> IdentityProvider:
    rows = IdentityProvider.objects.all()
    if text:
        rows = rows.filter(pk=public_ids.parse(IdentityProvider.id_prefix, text) or 0)
    found = list(rows[:2])
    if len(found) != 1:
        reason = "There is no such provider." if text else "Name the provider as ProviderId."
        raise Invalid(fields={"ExternalSecurityGroups": [reason]})
    return found[0]


def _role(text: str) -> UserRole:
    role = queries.find_role(UserRole.objects.all(), text)
    if role is None:
        raise Invalid(fields={"UserRoleId": ["There is no such user role."]})
    return role


def _scopes(data: dict[str, Any], stored: ScopedUserRole | None = None) -> dict[str, list[str]]:
    scopes = {kind: data[f"{kind}_ids"] for kind in _KINDS}
    tags = data["tenant_tags"]
    if tags is None and stored is not None:
        rows = stored.scopes.filter(kind=RoleScope.Kind.TENANT_TAG)
        tags = list(rows.values_list("object_id", flat=True))
    return {**scopes, "tenant_tag": tags or []}


def _space(view: SystemViewSet[Any], text: str) -> Space:
    space = space_by_id(text)
    if space is None or not visible_spaces(view.actor).filter(pk=space.pk).exists():
        raise NotFound
    return space


def _described(data: dict[str, Any]) -> dict[str, Any]:
    return {**data, "description": data["description"] or ""}


def _without_ids(query: Query) -> Query:
    """Return the query less `ids`, which name built-in rows in a way of their own."""
    pairs: dict[str, list[str]] = {}
    for name, text in query.pairs():
        if name != "ids":
            pairs.setdefault(name, []).append(text)
    return Query(pairs)

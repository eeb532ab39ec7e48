"""`/api/spaces`."""

from typing import Any, ClassVar

from django.db.models import QuerySet

from deployments.access import queries, services
from deployments.access.api.serializers import SpaceSerializer
from deployments.access.api.viewsets import SystemViewSet
from deployments.access.models import Team
from deployments.access.permissions import Permission
from deployments.access.rules import SIGNED_IN
from deployments.access.services.spaces import managers_team
from deployments.access.spaces import visible_spaces
from deployments.base.actor import Actor
from deployments.base.errors import Invalid
from deployments.base.models import Space


class SpaceResourceViewSet(SystemViewSet[Space]):
    """Spaces that the actor may enter, or all with SpaceView."""

    model = Space
    serializer_class = SpaceSerializer
    item_type = "Space"
    path = "spaces"
    permission_map: ClassVar = {
        "list": SIGNED_IN,
        "all": SIGNED_IN,
        "retrieve": SIGNED_IN,
        "create": Permission.SpaceCreate,
        "update": Permission.SpaceEdit,
        "destroy": Permission.SpaceDelete,
    }

    def serialized(self, rows: Any) -> list[dict[str, Any]]:
        rows = list(rows)
        context = self.context() | {"managers": queries.managers_of(rows)}
        return list(self.serializer_class(rows, many=True, context=context).data)

    def get_queryset(self) -> QuerySet[Space]:
        return visible_spaces(self.actor)

    def create_row(self, data: dict[str, Any]) -> Space:
        return services.create_space(actor=self.actor, **_arguments(self.actor, data))

    def update_row(self, row: Space, data: dict[str, Any]) -> Space:
        arguments = _arguments(self.actor, data, managers_team(row))
        return services.update_space(actor=self.actor, space=row, **arguments)

    def destroy_row(self, row: Space) -> None:
        services.delete_space(actor=self.actor, space=row)


def _arguments(actor: Actor, data: dict[str, Any], members: Team | None = None) -> dict[str, Any]:
    teams = []
    for text in data.pop("manager_team_ids"):
        team = queries.find_team(Team.objects.all(), text)
        if team is None:
            raise Invalid(fields={"SpaceManagersTeams": [f"There is no team {text}."]})
        teams.append(team)
    users = queries.members_by_ids(actor, data.pop("manager_user_ids"), members)
    description = data.pop("description") or ""
    return {**data, "description": description, "manager_teams": teams, "manager_users": users}

"""`/api/users/invitations`, and `/api/users/register` for who was invited."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.serializers import UserSerializer
from deployments.access.api.viewsets import ApiViewSet, SystemViewSet
from deployments.access.models import Invitation, Team
from deployments.access.permissions import Permission
from deployments.access.queries import find_team, teams_visible_to
from deployments.access.rules import ANONYMOUS
from deployments.access.services.invitations import (
    accept_invitation,
    invite,
    revoke_invitation,
)
from deployments.base.actor import Actor
from deployments.base.api import fields
from deployments.base.api.links import system_path
from deployments.base.api.serializers import IdentifiedSerializer, ResourceSerializer
from deployments.base.clock import utc_now
from deployments.base.errors import Invalid


class InvitationSerializer(IdentifiedSerializer):
    """An invitation; `InvitationCode` is filled in the answer to POST and nowhere else."""

    add_to_team_ids = fields.texts()
    email_address = fields.text(source="email")
    expires = fields.MomentField(read_only=True)
    invitation_code = serializers.SerializerMethodField()
    space_id = fields.text(allow_null=True)

    def to_representation(self, row: Invitation) -> dict[str, Any]:
        row.add_to_team_ids = [team.public_id for team in row.teams.all()]  # type: ignore[attr-defined]  # for the field
        row.space_id = None  # type: ignore[attr-defined]  # for the field
        return dict(super().to_representation(row))

    def get_invitation_code(self, row: Invitation) -> str:
        return ""

    def get_links(self, row: Invitation) -> dict[str, str]:
        return {"Self": system_path("users", "invitations", row.public_id)}


class InvitationViewSet(SystemViewSet[Invitation]):
    """Invitations that nobody has used yet."""

    model = Invitation
    serializer_class = InvitationSerializer
    item_type = "Invitation"
    path = "users/invitations"
    name_field = ""
    permission_map: ClassVar = {
        "list": Permission.UserInvite,
        "create": Permission.UserInvite,
        "retrieve": Permission.UserInvite,
        "destroy": Permission.UserInvite,
    }

    def get_queryset(self) -> QuerySet[Invitation]:
        rows = Invitation.objects.filter(expires__gt=utc_now())
        return rows.prefetch_related("teams")

    def create(self, request: Request, **ids: Any) -> Response:
        data = self.read()
        seen = teams_visible_to(self.actor)
        teams = [_team(seen, text) for text in data["add_to_team_ids"]]
        invited = invite(actor=self.actor, teams=teams, email=data["email"])
        body = self.serialized([invited.row])[0]
        return Response({**body, "InvitationCode": invited.code.reveal()}, status=201)

    def destroy_row(self, row: Invitation) -> None:
        revoke_invitation(actor=self.actor, invitation=row)


class RegistrationSerializer(ResourceSerializer):
    """What an invited person sends."""

    invitation_code = serializers.CharField()
    username = serializers.CharField()
    password = serializers.CharField(trim_whitespace=False)
    display_name = fields.text()
    email_address = fields.text(source="email")


class RegistrationViewSet(ApiViewSet):
    """Making one's account with the code of an invitation."""

    permission_map: ClassVar = {"register": ANONYMOUS}

    def register(self, request: Request, **ids: Any) -> Response:
        """Make the account."""
        data = RegistrationSerializer().read(request.data)
        user = accept_invitation(code=data.pop("invitation_code"), **data)
        actor = Actor(user.pk, user.username, user.display_name, "Session")
        return Response(UserSerializer(user, context={"actor": actor}).data, status=201)


def _team(seen: QuerySet[Team], text: str) -> Team:
    team = find_team(seen, text)
    if team is None:
        raise Invalid(fields={"AddToTeamIds": [f"There is no team '{text}'."]})
    return team

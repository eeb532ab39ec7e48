"""`/api/serviceaccounts/…/oidcidentities`: whose tokens may act as a service account."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access import queries
from deployments.access.api.viewsets import SystemViewSet
from deployments.access.models import OidcIdentity, User
from deployments.access.permissions import Permission
from deployments.access.providers.access_tokens import issuer
from deployments.access.services.federation.oidc_identities import (
    IdentityInput,
    create_oidc_identity,
    delete_oidc_identity,
    update_oidc_identity,
)
from deployments.base import public_ids
from deployments.base.api import fields
from deployments.base.api.links import system_path
from deployments.base.api.paging import cut, envelope
from deployments.base.api.serializers import IdentifiedSerializer
from deployments.base.errors import NotFound


class OidcIdentitySerializer(IdentifiedSerializer):
    service_account_id = serializers.SerializerMethodField()
    name = serializers.CharField()
    issuer = serializers.CharField()
    subject = serializers.CharField()
    audience = fields.text(allow_null=True)
    created = fields.MomentField(read_only=True)
    last_used = fields.MomentField(read_only=True)

    def get_service_account_id(self, row: OidcIdentity) -> str:
        return f"Users-{row.user_id}"

    def get_links(self, row: OidcIdentity) -> dict[str, str]:
        own = system_path("serviceaccounts", f"Users-{row.user_id}", "oidcidentities")
        return {"Self": f"{own}/{row.public_id}/v1"}


class OidcIdentityViewSet(SystemViewSet[OidcIdentity]):
    """The OIDC identities of one service account."""

    model = OidcIdentity
    serializer_class = OidcIdentitySerializer
    item_type = "ServiceAccountOidcIdentity"
    path = "serviceaccounts"
    permission_map: ClassVar = {
        "list": Permission.UserEdit,
        "create": Permission.UserEdit,
        "retrieve": Permission.UserEdit,
        "update": Permission.UserEdit,
        "destroy": Permission.UserEdit,
    }

    def owner(self) -> User:
        """Return the service account of the path. Raises NotFound."""
        number = public_ids.require(User.id_prefix, str(self.kwargs["user"]))
        rows = queries.users_visible_to(self.actor)
        found = rows.filter(pk=number, is_service=True).first()
        if found is None:
            raise NotFound
        return found

    def get_queryset(self) -> QuerySet[OidcIdentity]:
        return OidcIdentity.objects.filter(user=self.owner()).select_related("user")

    def list(self, request: Request, **ids: Any) -> Response:
        user, page = self.owner(), cut(self.get_queryset(), self.query)
        items = self.serialized(page.rows)
        return Response(
            envelope(
                page,
                items,
                item_type=self.item_type,
                path=f"/api/serviceaccounts/{user.public_id}/oidcidentities/v1",
                query=self.query,
                names=("skip", "take"),
                # The second form of the list, which some clients read.
                extra={
                    "ServerUrl": issuer(),
                    "ExternalId": str(user.external_id),
                    "OidcIdentities": items,
                    "Count": page.total,
                },
            )
        )

    def create_row(self, data: dict[str, Any]) -> OidcIdentity:
        return create_oidc_identity(actor=self.actor, user=self.owner(), identity=_input(data))

    def update_row(self, row: OidcIdentity, data: dict[str, Any]) -> OidcIdentity:
        return update_oidc_identity(actor=self.actor, row=row, identity=_input(data))

    def destroy_row(self, row: OidcIdentity) -> None:
        delete_oidc_identity(actor=self.actor, row=row)


def _input(data: dict[str, Any]) -> IdentityInput:
    return IdentityInput(data["name"], data["issuer"], data["subject"], data["audience"] or "")

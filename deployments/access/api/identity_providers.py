"""`/api/identityproviders`, and what clients may know of them before they sign in."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import ApiViewSet, SystemViewSet
from deployments.access.models import IdentityProvider
from deployments.access.permissions import Permission
from deployments.access.providers.code_flow import redirect_uri
from deployments.access.rules import ANONYMOUS
from deployments.access.services.federation.identity_providers import (
    GROUP_CLAIM,
    GROUP_DAYS,
    SCOPES,
    USERNAME_CLAIM,
    ProviderInput,
    create_provider,
    delete_provider,
    update_provider,
)
from deployments.base.api import fields
from deployments.base.api.links import system_path
from deployments.base.api.secret_field import SecretField
from deployments.base.api.serializers import IdentifiedSerializer


class IdentityProviderSerializer(IdentifiedSerializer):
    """The names are those of Octopus's settings of an OpenID Connect provider."""

    wire_names = {
        "secret": "ClientSecret",
        "group_claim": "RoleClaimType",
        "username_claim": "UsernameClaimType",
        "creates_users": "AllowAutoUserCreation",
        "links_by_email": "LinkByVerifiedEmail",
        "group_days": "GroupsLastDays",
    }

    name = serializers.CharField()
    slug = serializers.CharField(read_only=True)
    issuer = serializers.CharField()
    client_id = serializers.CharField()
    secret = SecretField(source="sealed_secret")
    scopes = serializers.ListField(child=serializers.CharField(), default=SCOPES.split)
    group_claim = fields.text(default=GROUP_CLAIM)
    username_claim = fields.text(default=USERNAME_CLAIM)
    is_enabled = fields.flag(default=True)
    creates_users = fields.flag()
    links_by_email = fields.flag()
    group_days = serializers.IntegerField(default=GROUP_DAYS, min_value=1, max_value=365)
    redirect_uri = serializers.SerializerMethodField()

    def to_representation(self, row: IdentityProvider) -> dict[str, Any]:
        shown = dict(super().to_representation(row))
        secret = {"HasValue": bool(row.sealed_secret), "NewValue": None}
        return {**shown, "Scopes": row.scopes.split(), "ClientSecret": secret}

    def get_redirect_uri(self, row: IdentityProvider) -> str:
        return redirect_uri(row)

    def get_links(self, row: IdentityProvider) -> dict[str, str]:
        return {"Self": system_path("identityproviders", row.public_id)}


class IdentityProviderViewSet(SystemViewSet[IdentityProvider]):
    """The OpenID Connect providers at which people sign in."""

    model = IdentityProvider
    serializer_class = IdentityProviderSerializer
    item_type = "IdentityProvider"
    path = "identityproviders"
    permission_map: ClassVar = {
        "list": Permission.ConfigureServer,
        "all": Permission.ConfigureServer,
        "retrieve": Permission.ConfigureServer,
        "create": Permission.AdministerSystem,
        "update": Permission.AdministerSystem,
        "destroy": Permission.AdministerSystem,
    }

    def get_queryset(self) -> QuerySet[IdentityProvider]:
        return IdentityProvider.objects.filter(kind=IdentityProvider.Kind.OIDC)

    def create_row(self, data: dict[str, Any]) -> IdentityProvider:
        secret = data.pop("sealed_secret") or ""
        return create_provider(actor=self.actor, provider=_input(data), secret=secret)

    def update_row(self, row: IdentityProvider, data: dict[str, Any]) -> IdentityProvider:
        secret = data.pop("sealed_secret")
        return update_provider(actor=self.actor, row=row, provider=_input(data), secret=secret)

    def destroy_row(self, row: IdentityProvider) -> None:
        delete_provider(actor=self.actor, row=row)


class AuthenticationViewSet(ApiViewSet):
    """How people can sign in."""

    permission_map: ClassVar = {
        "authentication": ANONYMOUS,
        "group_providers": Permission.TeamView,
    }

    def authentication(self, request: Request, **ids: Any) -> Response:
        """List the ways; those of providers lead through the sign-in page."""
        return Response(
            {
                "AuthenticationProviders": [_PASSWORDS, *(_shown(row) for row in _enabled())],
                "AutoLoginEnabled": False,
                "AnyAuthenticationProvidersSupportPasswordManagement": True,
                "RememberMeEnabled": True,
                "Links": {"Self": "/api/authentication"},
            }
        )

    def group_providers(self, request: Request, **ids: Any) -> Response:
        """List those whose groups teams can follow; groups are named, not looked up."""
        return Response(
            [
                {
                    "Id": row.public_id,
                    "Name": row.name,
                    "IsRoleBased": True,
                    "SupportedGroupLookup": False,
                    "Links": {},
                }
                for row in IdentityProvider.objects.all()
            ]
        )


_PASSWORDS = {
    "Name": "UsernamePassword",
    "DisplayName": "Username and password",
    "IdentityType": "UsernamePassword",
    "FormsLoginEnabled": True,
    "CSSLinks": [],
    "JavascriptLinks": [],
    "Links": {"Authenticate": "/api/users/login"},
}


def _shown(row: IdentityProvider) -> dict[str, Any]:
    return {
        "Name": row.slug,
        "DisplayName": row.name,
        "IdentityType": "ActiveDirectory" if row.is_directory else "OAuth",
        "FormsLoginEnabled": False,
        "CSSLinks": [],
        "JavascriptLinks": [],
        "Links": {"Authenticate": f"/app/sign-in/with/{row.slug}"},
    }


def _enabled() -> QuerySet[IdentityProvider]:
    return IdentityProvider.objects.filter(is_enabled=True)


def _input(data: dict[str, Any]) -> ProviderInput:
    return ProviderInput(**{**data, "scopes": " ".join(data["scopes"])})

"""`/api/ldapproviders`: the directories at which people sign in."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework import serializers

from deployments.access.api.viewsets import SystemViewSet
from deployments.access.models import IdentityProvider, LdapDirectory
from deployments.access.permissions import Permission
from deployments.access.services.federation.identity_providers import (
    GROUP_DAYS,
    delete_provider,
)
from deployments.access.services.federation.ldap_providers import (
    GROUP_FILTER,
    PASSWORD,
    USER_FILTER,
    WIRE,
    LdapInput,
    create_directory,
    directory_snapshot,
    update_directory,
)
from deployments.base.api import fields
from deployments.base.api.dates import to_wire
from deployments.base.api.links import system_path
from deployments.base.api.secret_field import SecretField
from deployments.base.api.serializers import IdentifiedSerializer


class LdapProviderSerializer(IdentifiedSerializer):
    """The names are those of Octopus's settings of LDAP where there are such."""

    wire_names = {**WIRE, "secret": PASSWORD}

    name = serializers.CharField()
    slug = serializers.CharField(read_only=True)
    server = serializers.CharField()
    port = serializers.IntegerField(default=636)
    security = serializers.ChoiceField(
        choices=LdapDirectory.Security.values, default=LdapDirectory.Security.TLS
    )
    ca_certificate = fields.text()
    bind_dn = fields.text()
    secret = SecretField(source="sealed_secret")
    user_base = serializers.CharField()
    user_filter = fields.text(default=USER_FILTER)
    id_attribute = fields.text(default="objectGUID")
    username_attribute = fields.text(default="sAMAccountName")
    name_attribute = fields.text(default="displayName")
    email_attribute = fields.text(default="mail")
    group_base = fields.text()
    group_filter = fields.text(default=GROUP_FILTER)
    nested_depth = serializers.IntegerField(default=5)
    deactivates = fields.flag(default=True)
    is_enabled = fields.flag(default=True)
    creates_users = fields.flag(default=True)
    links_by_email = fields.flag()
    group_days = serializers.IntegerField(default=GROUP_DAYS)

    def to_representation(self, instance: IdentityProvider) -> dict[str, Any]:
        shown = directory_snapshot(instance)
        has_password = bool(shown.pop(f"Has{PASSWORD}"))
        checked = instance.directory.checked
        return {
            "Id": instance.public_id,
            "Slug": instance.slug,
            **shown,
            PASSWORD: {"HasValue": has_password, "NewValue": None},
            "LastChecked": to_wire(checked) if checked else None,
            "Problem": instance.directory.problem or None,
            "Links": self.get_links(instance),
        }

    def get_links(self, row: IdentityProvider) -> dict[str, str]:
        return {"Self": system_path("ldapproviders", row.public_id)}


class LdapProviderViewSet(SystemViewSet[IdentityProvider]):
    """Directories that check the passwords of people."""

    model = IdentityProvider
    serializer_class = LdapProviderSerializer
    item_type = "LdapProvider"
    path = "ldapproviders"
    permission_map: ClassVar = {
        "list": Permission.ConfigureServer,
        "all": Permission.ConfigureServer,
        "retrieve": Permission.ConfigureServer,
        "create": Permission.AdministerSystem,
        "update": Permission.AdministerSystem,
        "destroy": Permission.AdministerSystem,
    }

    def get_queryset(self) -> QuerySet[IdentityProvider]:
        rows = IdentityProvider.objects.filter(kind=IdentityProvider.Kind.LDAP)
        return rows.select_related("directory")

    def create_row(self, data: dict[str, Any]) -> IdentityProvider:
        password = data.pop("sealed_secret") or ""
        return create_directory(actor=self.actor, directory=LdapInput(**data), password=password)

    def update_row(self, row: IdentityProvider, data: dict[str, Any]) -> IdentityProvider:
        password = data.pop("sealed_secret")
        wanted = LdapInput(**data)
        return update_directory(actor=self.actor, row=row, directory=wanted, password=password)

    def destroy_row(self, row: IdentityProvider) -> None:
        delete_provider(actor=self.actor, row=row)

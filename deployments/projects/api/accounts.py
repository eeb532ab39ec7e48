"""Accounts on the wire; their secrets come in and never go out."""

from typing import Any, Final

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.permissions import Permission
from deployments.base.api.fields import text, texts
from deployments.base.api.links import space_path
from deployments.base.api.query import Query
from deployments.base.api.secret_field import SecretField
from deployments.library.account_types import ACCOUNT_TYPES, AccountField, Form
from deployments.library.models import Account
from deployments.library.services import (
    AccountInput,
    create_account,
    delete_account,
    update_account,
)
from deployments.library.values import account_secrets
from deployments.projects.api.restricted import (
    RestrictedSerializer,
    restrictions_of,
    usage_resource,
)

_USAGES: Final = (
    "Targets",
    "DeploymentProcesses",
    "Releases",
    "RunbookProcesses",
    "RunbookSnapshots",
    "LibraryVariableSets",
    "ProjectVariableSets",
)
_FIELDS: Final = {each.name: each for kind in ACCOUNT_TYPES.values() for each in kind.fields}


def _wire_field(each: AccountField) -> Any:
    if each.is_secret:
        return SecretField(write_only=True)
    return texts(write_only=True) if each.form is Form.KEYS else text(write_only=True)


class AccountSerializer(RestrictedSerializer):
    name = serializers.CharField(max_length=200)
    slug = text()
    description = text()
    account_type = serializers.CharField()

    def get_fields(self) -> dict[str, Any]:
        """Return the fields of all types; which of them count says the type."""
        own = {name: _wire_field(each) for name, each in _FIELDS.items()}
        return {**super().get_fields(), **own}

    def to_representation(self, instance: Any) -> dict[str, Any]:
        secrets = account_secrets(instance)
        return {
            **super().to_representation(instance),
            **{
                each.name: {"HasValue": each.name in secrets, "NewValue": None}
                if each.is_secret
                else instance.details.get(each.name)
                for each in instance.type.fields
            },
        }

    def get_links(self, row: Account) -> dict[str, str]:
        path = space_path(f"Spaces-{row.space_id}", "accounts", row.public_id)
        return {"Self": path, "Usages": f"{path}/usages"}


class AccountViewSet(SpaceViewSet[Account]):
    model = Account
    serializer_class = AccountSerializer
    item_type = "Account"
    path = "accounts"
    query_names = ("skip", "take", "ids", "partialName", "accountType")
    view_permission = Permission.AccountView
    permission_map = {
        "list": Permission.AccountView,
        "all": Permission.AccountView,
        "retrieve": Permission.AccountView,
        "create": Permission.AccountCreate,
        "update": Permission.AccountEdit,
        "destroy": Permission.AccountDelete,
        "usages": Permission.AccountView,
    }

    def filtered(self, rows: QuerySet[Account], query: Query) -> QuerySet[Account]:
        rows = super().filtered(rows, query)
        kinds = {name.lower() for name in query.texts("accountType")}
        if not kinds:
            return rows
        return rows.filter(account_type__in=[n for n in ACCOUNT_TYPES if n.lower() in kinds])

    def create_row(self, data: dict[str, Any]) -> Account:
        return create_account(
            actor=self.actor,
            space=self.space,
            account_type=data["account_type"],
            account=self._input(data),
        )

    def update_row(self, row: Account, data: dict[str, Any]) -> Account:
        # What an account is stays as it was created.
        return update_account(actor=self.actor, row=row, account=self._input(data))

    def destroy_row(self, row: Account) -> None:
        delete_account(actor=self.actor, row=row)

    def usages(self, request: Request, **ids: Any) -> Response:
        """Say what names the account, as far as the actor may see it."""
        return Response(usage_resource(self, self.get_object(), _USAGES))

    def _input(self, data: dict[str, Any]) -> AccountInput:
        return AccountInput(
            name=data["name"],
            slug=data["slug"],
            description=data["description"],
            values={name: data[name] for name in _FIELDS if name in data},
            restrictions=restrictions_of(self, data),
        )

"""Accounts: what scripts sign in with elsewhere."""

from typing import ClassVar

from django.db import models

from deployments.library.account_types import ACCOUNT_TYPES, AccountType
from deployments.library.models.restricted import EnvironmentLink, Restricted, TenantLink


class Account(Restricted):
    """Credentials that variables name, of a type of deployments.library.account_types.

    `details` has the plain fields by name; `sealed_secrets` the others, a JSON object as text.
    """

    id_prefix = "Accounts"
    kind_word = "account"
    scope_paths: ClassVar[dict[str, str]] = {"environment": "environment_links__environment_number"}

    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=210)
    description = models.TextField(blank=True)
    account_type = models.CharField(max_length=50, choices=[(name, name) for name in ACCOUNT_TYPES])
    details = models.JSONField(default=dict)
    sealed_secrets = models.BinaryField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["space", "name"], name="account_name_unique"),
            models.UniqueConstraint(fields=["space", "slug"], name="account_slug_unique"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def type(self) -> AccountType:
        return ACCOUNT_TYPES[self.account_type]

    @property
    def secret_place(self) -> str:
        """The associated data of `sealed_secrets`."""
        return f"account:{self.pk}:secrets"


class AccountEnvironment(EnvironmentLink):
    """An environment that an account is for."""

    owner = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="environment_links")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["owner", "environment_number"], name="account_environment_unique"
            )
        ]


class AccountTenant(TenantLink):
    """A tenant that an account is for."""

    owner = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="tenant_links")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["owner", "tenant_number"], name="account_tenant_unique")
        ]

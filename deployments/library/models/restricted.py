"""What deployments may use in some environments and for some tenants only."""

from typing import ClassVar

from django.db import models

from deployments.base.models import SpaceOwned
from deployments.base.participation import Participation


class Restricted(SpaceOwned):
    """A thing for the environments and tenants that its links name; no environment means all.

    Its links are rows `environment_links` and `tenant_links`, by number because environments and
    tenants are of upper floors. `tenant_tags` are canonical names.
    """

    kind_word: ClassVar[str]
    """What people call one of them."""

    tenanted_participation = models.CharField(
        max_length=30,
        choices=[(each, each) for each in Participation],
        default=Participation.UNTENANTED,
    )
    tenant_tags = models.JSONField(default=list)

    class Meta:
        abstract = True

    @property
    def participation(self) -> Participation:
        return Participation(self.tenanted_participation)


class EnvironmentLink(models.Model):
    """An environment that a thing is for; the subclass names the thing as `owner`."""

    environment_number = models.BigIntegerField(db_index=True)

    owner_id: int

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.owner_id} in Environments-{self.environment_number}"


class TenantLink(models.Model):
    """A tenant that a thing is for; the subclass names the thing as `owner`."""

    tenant_number = models.BigIntegerField(db_index=True)

    owner_id: int

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.owner_id} for Tenants-{self.tenant_number}"

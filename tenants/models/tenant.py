"""Tenants: the customers, sites or teams that a project is deployed for one by one."""

from typing import ClassVar

from django.db import models

from deployments.base.models import SpaceOwned
from tenants.models.tag import Tag


class Tenant(SpaceOwned):
    """Somebody for whom projects are deployed separately."""

    id_prefix = "Tenants"
    scope_paths: ClassVar[dict[str, str]] = {"tenant": "id"}

    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=210)
    description = models.TextField(blank=True)
    is_disabled = models.BooleanField(default=False)
    tags = models.ManyToManyField(Tag, through="TenantTag", related_name="tenants")
    cloned_from = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["space", "name"], name="tenant_name_unique"),
            models.UniqueConstraint(fields=["space", "slug"], name="tenant_slug_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class TenantTag(models.Model):
    """A tag that a tenant carries; such a tag cannot be deleted."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="tenant_tags")
    tag = models.ForeignKey(Tag, on_delete=models.PROTECT, related_name="tenant_tags")

    class Meta:
        verbose_name_plural = "tags of tenants"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "tag"], name="tenant_tag_unique")
        ]

    def __str__(self) -> str:
        return f"{self.tag} of {self.tenant}"


class TenantLogo(models.Model):
    """The picture of a tenant, apart from it because lists do not need its bytes."""

    tenant = models.OneToOneField(Tenant, on_delete=models.CASCADE, related_name="logo")
    content_type = models.CharField(max_length=50)
    content = models.BinaryField()

    def __str__(self) -> str:
        return f"Logo of {self.tenant}"

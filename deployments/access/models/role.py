"""User roles and where a team holds them."""

from typing import ClassVar

from django.db import models

from deployments.access.models.team import Team
from deployments.base.models import Space


class UserRole(models.Model):
    """A named set of permissions; built-in ones have a fixed public id (`userroles-…`)."""

    id_prefix = "UserRoles"

    name = models.CharField(max_length=200, unique=True)
    description = models.TextField(blank=True)
    built_in_id = models.CharField(max_length=100, blank=True)
    space_permissions = models.JSONField(default=list)
    system_permissions = models.JSONField(default=list)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def public_id(self) -> str:
        return self.built_in_id or f"UserRoles-{self.pk}"


class ScopedUserRole(models.Model):
    """A role held by a team in one space (or at system level), limited by RoleScope rows."""

    id_prefix = "ScopedUserRoles"

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="scoped_roles")
    role = models.ForeignKey(UserRole, on_delete=models.PROTECT, related_name="+")
    space = models.ForeignKey(Space, on_delete=models.CASCADE, null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.role} for {self.team}"

    @property
    def public_id(self) -> str:
        return f"ScopedUserRoles-{self.pk}"


class RoleScope(models.Model):
    """One allowed value of one dimension; a dimension without rows means all of it."""

    class Kind(models.TextChoices):
        PROJECT = "project"
        PROJECT_GROUP = "project_group"
        ENVIRONMENT = "environment"
        TENANT = "tenant"
        TENANT_TAG = "tenant_tag"

    scoped_role = models.ForeignKey(ScopedUserRole, on_delete=models.CASCADE, related_name="scopes")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    object_id = models.CharField(max_length=200)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["scoped_role", "kind", "object_id"], name="role_scope_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.object_id}"

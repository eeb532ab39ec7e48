"""Deployment freezes."""

from typing import ClassVar

from django.db import models

from deployments.base.models import SpaceOwned
from deployments.infrastructure.models import Environment
from deployments.projects.models import Project


class DeploymentFreeze(SpaceOwned):
    """A time in which projects are not deployed to environments.

    `start` and `end` are the first window, `recurrence` is the document of the wire, and
    `time_zone` the clock by which it comes again. `owner` is the project that it belongs to, if
    it was made for one alone.
    """

    id_prefix = "DeploymentFreezes"
    scope_paths: ClassVar[dict[str, str]] = {
        "project": "scopes__project_id",
        "project_group": "scopes__project__group_id",
        "environment": "scopes__environment_id",
    }

    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=210)
    owner = models.ForeignKey(
        Project, on_delete=models.CASCADE, null=True, blank=True, related_name="own_freezes"
    )
    start = models.DateTimeField()
    end = models.DateTimeField()
    time_zone = models.CharField(max_length=64, default="UTC")
    recurrence = models.JSONField(null=True, blank=True)
    created = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["start", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["space", "name"], name="freeze_name_unique"),
            models.UniqueConstraint(fields=["space", "slug"], name="freeze_slug_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class FreezeScope(models.Model):
    """A project in an environment that a freeze holds; with a tenant, for that tenant alone."""

    freeze = models.ForeignKey(DeploymentFreeze, on_delete=models.CASCADE, related_name="scopes")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="freeze_scopes")
    environment = models.ForeignKey(
        Environment, on_delete=models.CASCADE, related_name="freeze_scopes"
    )
    tenant_number = models.BigIntegerField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["id"]
        indexes: ClassVar = [
            models.Index(fields=["project", "environment"], name="freeze_scope_place")
        ]

    def __str__(self) -> str:
        return f"{self.project} in {self.environment}"

"""Which projects a tenant takes part in, and in which environments."""

from typing import ClassVar

from django.db import models

from deployments.infrastructure.models import Environment
from deployments.projects.models import Project
from tenants.models.tenant import Tenant


class ProjectConnection(models.Model):
    """A tenant's part in a project; without environments it is announced but not deployed to."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="connections")
    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="tenant_connections"
    )
    environments = models.ManyToManyField(
        Environment, through="ConnectedEnvironment", related_name="+"
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "project"], name="project_connection_unique")
        ]

    def __str__(self) -> str:
        return f"{self.tenant} in {self.project}"


class ConnectedEnvironment(models.Model):
    """An environment of a connection; an environment with tenants cannot be deleted."""

    connection = models.ForeignKey(
        ProjectConnection, on_delete=models.CASCADE, related_name="connected_environments"
    )
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name_plural = "connections of tenants"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["connection", "environment"], name="connected_environment_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.connection} in {self.environment}"

"""The values that a tenant fills in."""

from typing import ClassVar

from django.db import models

from deployments.base.models import SpaceOwned
from deployments.infrastructure.models import Environment
from deployments.projects.models import Project
from tenants.models.tenant import Tenant


class TenantVariable(SpaceOwned):
    """A tenant's value of a template of a project in an environment.

    `sealed_value` holds secrets. A value stays when the tenant leaves the project.
    """

    id_prefix = "TenantVariables"
    scope_paths: ClassVar[dict[str, str]] = {
        "project": "project_id",
        "project_group": "project__group_id",
        "environment": "environment_id",
        "tenant": "tenant_id",
    }

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="variables")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="+")
    template = models.CharField(max_length=100)
    value = models.TextField(blank=True)
    sealed_value = models.BinaryField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "project", "environment", "template"],
                name="tenant_variable_unique",
            )
        ]

    def __str__(self) -> str:
        return f"{self.template} of {self.tenant}"

    @property
    def secret_place(self) -> str:
        """What the sealed value is bound to."""
        return (
            f"tenant-variable:{self.tenant_id}:{self.project_id}:{self.environment_id}"
            f":{self.template}"
        )

"""The values that a tenant fills in."""

from typing import ClassVar

from django.db import models

from deployments.base.models import SpaceOwned
from deployments.infrastructure.models import Environment
from deployments.library.models import LibraryVariableSet
from deployments.projects.models import Project
from tenants.models.tenant import Tenant


class FilledValue(SpaceOwned):
    """A tenant's value of a template (its id); `sealed_value` holds secrets."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    template = models.CharField(max_length=100)
    value = models.TextField(blank=True)
    sealed_value = models.BinaryField(null=True, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.template} of {self.tenant}"

    @property
    def secret_place(self) -> str:
        """What the sealed value is bound to."""
        raise TypeError(f"{type(self).__name__} names no place.")


class TenantVariable(FilledValue):
    """A value for a project in an environment; it stays when the tenant leaves the project."""

    id_prefix = "TenantVariables"
    scope_paths: ClassVar[dict[str, str]] = {
        "project": "project_id",
        "project_group": "project__group_id",
        "environment": "environment_id",
        "tenant": "tenant_id",
    }

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "project", "environment", "template"],
                name="tenant_variable_unique",
            )
        ]

    @property
    def secret_place(self) -> str:
        """What the sealed value is bound to."""
        return (
            f"tenant-variable:{self.tenant_id}:{self.project_id}:{self.environment_id}"
            f":{self.template}"
        )


class TenantCommonVariable(FilledValue):
    """A value of a library set's template, for every project that includes the set.

    With an environment it counts there, instead of the one without.
    """

    id_prefix = "TenantCommonVariables"
    scope_paths: ClassVar[dict[str, str]] = {"tenant": "tenant_id"}

    library_set = models.ForeignKey(LibraryVariableSet, on_delete=models.CASCADE, related_name="+")
    environment = models.ForeignKey(
        Environment, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "library_set", "template"],
                condition=models.Q(environment=None),
                name="tenant_common_variable_unique",
            ),
            models.UniqueConstraint(
                fields=["tenant", "library_set", "template", "environment"],
                name="tenant_common_variable_unique_there",
            ),
        ]

    @property
    def secret_place(self) -> str:
        """What the sealed value is bound to."""
        there = f":{self.environment_id}" if self.environment_id else ""
        return (
            f"tenant-common-variable:{self.tenant_id}:{self.library_set_id}:{self.template}{there}"
        )

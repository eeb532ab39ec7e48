"""How deployments ended, for metrics."""

from typing import ClassVar

from django.db import models

from deployments.base.models import SpaceIndexed
from deployments.infrastructure.models import Environment
from deployments.projects.models import Project


class DeploymentOutcome(SpaceIndexed):
    """A deployment that counts in metrics, with its spans in seconds.

    It outlives the deployment, so that retention takes nothing from the metrics of a year. Rows of
    other apps that may go before it are pointed to by number.
    """

    id_prefix = "DeploymentOutcomes"
    scope_paths: ClassVar[dict[str, str]] = {
        "project": "project_id",
        "project_group": "project__group_id",
        "environment": "environment_id",
        "tenant": "tenant_number",
    }

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="outcomes")
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="outcomes")
    channel_number = models.BigIntegerField()
    tenant_number = models.BigIntegerField(null=True, blank=True)
    release_number = models.BigIntegerField()
    deployment_number = models.BigIntegerField(unique=True)
    is_success = models.BooleanField()
    completed = models.DateTimeField()
    lead = models.FloatField(null=True)
    recovery = models.FloatField(null=True)
    duration = models.FloatField(null=True)
    queueing = models.FloatField(null=True)

    class Meta:
        ordering: ClassVar = ["completed", "id"]
        indexes: ClassVar = [
            models.Index(fields=["space", "completed"], name="outcome_of_space"),
            models.Index(
                fields=["environment", "channel_number", "tenant_number", "completed"],
                name="outcome_of_place",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.deployment_number} at {self.completed}"

"""Deployments: a release going to an environment."""

from typing import ClassVar

from django.db import models

from deployments.base.models import SpaceIndexed
from deployments.infrastructure.models import Environment
from deployments.projects.models import Channel, Project
from deployments.releases.models.carried_out import CarriedOut
from deployments.releases.models.release import Release
from deployments.server_tasks.models import ServerTask


class Deployment(SpaceIndexed, CarriedOut):
    """One deployment; executed by exactly one server task."""

    id_prefix = "Deployments"

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="deployments")
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="deployments")
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="deployments")
    environment = models.ForeignKey(
        Environment,
        on_delete=models.PROTECT,
        related_name="deployments",
        db_index=False,  # one of those below begins with it
    )
    task = models.OneToOneField(ServerTask, on_delete=models.PROTECT, related_name="deployment")

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            # Looking for the newest of a place reads nothing else.
            models.Index(
                fields=["space", "project", "environment", "-id"], name="deployment_newest_there"
            ),
            models.Index(fields=["release", "environment"], name="deployment_of_release"),
            # Who may see some environments or tenants gets their newest, and how many there are.
            models.Index(fields=["environment", "space", "-id"], name="deployment_of_environment"),
            models.Index(
                fields=["tenant_number", "space", "-id"],
                condition=models.Q(tenant_number__isnull=False),
                name="deployment_of_tenant",
            ),
        ]

    @property
    def frozen(self) -> Release:
        """Return what is carried out."""
        return self.release

    @property
    def secret_place(self) -> str:
        """Return what the sensitive values given at creation are bound to."""
        return f"{self.release_id}:{self.environment_id}"

    def __str__(self) -> str:
        return f"Deploy to {self.environment}"

"""Deployments: a release going to an environment."""

from typing import ClassVar

from django.db import models

from deployments.base.models import SpaceOwned
from deployments.infrastructure.models import Environment
from deployments.projects.models import Channel, Project
from deployments.releases.models.release import Release
from deployments.server_tasks.models import ServerTask


class Deployment(SpaceOwned):
    """One deployment; executed by exactly one server task.

    `options` holds what was chosen at creation: skip_actions (action ids), specific_machines,
    excluded_machines (public ids), specific_tags, excluded_tags, force_package_download,
    force_package_redeployment, form_values, use_guided_failure.
    """

    id_prefix = "Deployments"
    scope_paths: ClassVar[dict[str, str]] = {
        "project": "project_id",
        "project_group": "project__group_id",
        "environment": "environment_id",
        "tenant": "tenant_number",
    }

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="deployments")
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="deployments")
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="deployments")
    environment = models.ForeignKey(
        Environment, on_delete=models.PROTECT, related_name="deployments"
    )
    tenant_number = models.BigIntegerField(null=True, blank=True)
    task = models.OneToOneField(ServerTask, on_delete=models.PROTECT, related_name="deployment")
    comments = models.TextField(blank=True)
    options = models.JSONField(default=dict)
    created = models.DateTimeField()
    deployed_by = models.CharField(max_length=100)
    deployed_by_name = models.CharField(max_length=200)
    deployed_machines = models.JSONField(default=list)

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            # Looking for the newest of a place reads nothing else.
            models.Index(
                fields=["space", "project", "environment", "-id"], name="deployment_newest_there"
            ),
            models.Index(fields=["release", "environment"], name="deployment_of_release"),
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

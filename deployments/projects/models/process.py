"""Deployment processes."""

from typing import ClassVar

from django.db import models

from deployments.base.models import SpaceOwned
from deployments.projects.models.project import Project


class DeploymentProcess(SpaceOwned):
    """The steps of a project as one document (deployments.projects.process); versioned.

    Its public id is `deploymentprocess-{project}`.
    """

    id_prefix = "deploymentprocess"
    scope_paths: ClassVar[dict[str, str]] = {
        "project": "project_id",
        "project_group": "project__group_id",
    }

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="process")
    version = models.PositiveIntegerField(default=0)
    steps = models.JSONField(default=list)

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        return f"deploymentprocess-Projects-{self.project_id}"

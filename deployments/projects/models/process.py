"""The processes of projects and of runbooks."""

from typing import ClassVar

from django.db import models

from deployments.base.models import SpaceOwned
from deployments.projects.models.project import Project
from deployments.projects.models.runbook import Runbook


class DeploymentProcess(SpaceOwned):
    """The steps of a project or runbook as one document (deployments.projects.process); versioned.

    Its public id is `deploymentprocess-{project}` or `RunbookProcess-{runbook}`.
    """

    id_prefix = "deploymentprocess"
    scope_paths: ClassVar[dict[str, str]] = {
        "project": "project_id",
        "project_group": "project__group_id",
    }

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="processes")
    runbook = models.OneToOneField(
        Runbook, on_delete=models.CASCADE, null=True, blank=True, related_name="process"
    )
    version = models.PositiveIntegerField(default=0)
    steps = models.JSONField(default=list)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["project"],
                condition=models.Q(runbook=None),
                name="deployment_process_unique",
            )
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        if self.runbook_id is not None:
            return f"RunbookProcess-Runbooks-{self.runbook_id}"
        return f"deploymentprocess-Projects-{self.project_id}"

    @property
    def title(self) -> str:
        """Return what people call it."""
        if self.runbook is not None:
            return f"Process of the runbook {self.runbook.name} of {self.project.name}"
        return f"Deployment process of {self.project.name}"


class ProcessNote(models.Model):
    """What somebody said about the change that made a version of a process."""

    process = models.ForeignKey(DeploymentProcess, on_delete=models.CASCADE, related_name="notes")
    version = models.PositiveIntegerField()
    text = models.CharField(max_length=1000)
    noted = models.DateTimeField()
    noted_by_name = models.CharField(max_length=200)

    class Meta:
        ordering: ClassVar = ["-version"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["process", "version"], name="process_note_unique")
        ]

    def __str__(self) -> str:
        return self.text

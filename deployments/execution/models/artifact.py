"""Artifacts: files that scripts or people hand over to be kept with the deployment."""

from typing import ClassVar

from django.db import models

from deployments.base.models import SpaceOwned
from deployments.execution.models.execution import ActionExecution
from deployments.server_tasks.models import ServerTask
from packages_feed.models import StoredBlob


class Artifact(SpaceOwned):
    """A file; `number` counts the artifacts of one execution from 1 on.

    What a person adds to the task has no execution, and no bytes before they are sent.
    """

    id_prefix = "Artifacts"
    scope_paths: ClassVar[dict[str, str]] = {
        "project": "task__project_number",
        "environment": "task__environment_number",
        "tenant": "task__tenant_number",
    }

    task = models.ForeignKey(ServerTask, on_delete=models.CASCADE, related_name="artifacts")
    execution = models.ForeignKey(
        ActionExecution, on_delete=models.CASCADE, related_name="artifacts", null=True
    )
    number = models.IntegerField()
    name = models.CharField(max_length=255)
    source = models.CharField(max_length=200, blank=True)
    blob = models.ForeignKey(
        StoredBlob, on_delete=models.PROTECT, related_name="artifacts", null=True
    )
    size = models.BigIntegerField()
    created = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["execution", "number"], name="artifact_unique")
        ]

    @property
    def origin(self) -> str:
        """Where it comes from: the target, or what the person who added it said."""
        return self.source or (self.execution.target_name if self.execution else "")

    def __str__(self) -> str:
        return self.name

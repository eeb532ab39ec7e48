"""Interruptions: a task waits for a person."""

from typing import ClassVar

from django.db import models

from deployments.base.models import SpaceOwned
from deployments.execution.models.execution import ActionExecution
from deployments.server_tasks.models import ServerTask


class Interruption(SpaceOwned):
    """A question to people: a manual intervention, or what to do about a failure.

    `choices` are the answers; none means those of a manual intervention.
    """

    id_prefix = "Interruptions"
    scope_paths: ClassVar[dict[str, str]] = {
        "project": "task__project_number",
        "environment": "task__environment_number",
        "tenant": "task__tenant_number",
    }

    task = models.ForeignKey(ServerTask, on_delete=models.CASCADE, related_name="interruptions")
    execution = models.OneToOneField(
        ActionExecution, on_delete=models.CASCADE, related_name="interruption"
    )
    kind = models.CharField(max_length=50, default="ManualIntervention")
    title = models.CharField(max_length=500)
    instructions = models.TextField(blank=True)
    is_pending = models.BooleanField(default=True)
    choices = models.JSONField(default=list)
    responsible_team_ids = models.JSONField(default=list)
    responsible_user_id = models.CharField(max_length=100, blank=True)
    created = models.DateTimeField()
    submitted = models.DateTimeField(null=True, blank=True)
    submitted_by = models.CharField(max_length=100, blank=True)
    result = models.CharField(max_length=20, blank=True)
    notes = models.TextField(blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return self.title

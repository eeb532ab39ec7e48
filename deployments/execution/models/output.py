"""Output variables of actions."""

from typing import ClassVar

from django.db import models

from deployments.base.models import SpaceOwned
from deployments.execution.models.execution import ActionExecution
from deployments.server_tasks.models import ServerTask


class OutputVariable(SpaceOwned):
    """A value that a script set; visible to later steps of the same task."""

    id_prefix = "OutputVariables"

    task = models.ForeignKey(ServerTask, on_delete=models.CASCADE, related_name="outputs")
    execution = models.ForeignKey(ActionExecution, on_delete=models.CASCADE, related_name="outputs")
    name = models.CharField(max_length=1000)
    value = models.TextField(blank=True)
    sealed_value = models.BinaryField(null=True, blank=True)
    is_sensitive = models.BooleanField(default=False)

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["execution", "name"], name="output_unique")
        ]

    def __str__(self) -> str:
        return self.name

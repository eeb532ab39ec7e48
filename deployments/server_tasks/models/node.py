"""The machines that run the server's processes."""

from typing import ClassVar

from django.db import models

from deployments.base.public_ids import PublicId


class ServerNode(PublicId, models.Model):
    """One machine whose workers take tasks from the queue.

    Its worker says every few seconds that it is there. One that drains takes no new tasks.
    """

    id_prefix = "OctopusServerNodes"

    name = models.CharField(max_length=200, unique=True)
    last_seen = models.DateTimeField()
    started = models.DateTimeField(null=True, blank=True)
    version = models.CharField(max_length=50, blank=True)
    is_draining = models.BooleanField(default=False)
    task_cap = models.PositiveIntegerField(default=5)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

"""Log bytes as they were received."""

from typing import ClassVar

from django.db import models

from deployments.base.models import SpaceOwned
from deployments.execution.models.execution import ActionExecution
from deployments.server_tasks.models import ServerTask
from packages_feed.models import StoredBlob


class LogChunk(SpaceOwned):
    """A piece of a log: of one execution, or of the task itself when `execution` is empty.

    `offset` and `raw_length` count payload bytes as the agent spooled them. `body` is spool
    frames (agent.contracts.spool), masked again by the server and compressed where there is much
    (execution.logs.bodies). `event_number` grows over the whole task and is the id of the
    browser's stream.
    """

    id_prefix = "LogChunks"

    task = models.ForeignKey(ServerTask, on_delete=models.CASCADE, related_name="log_chunks")
    execution = models.ForeignKey(
        ActionExecution, on_delete=models.CASCADE, null=True, blank=True, related_name="log_chunks"
    )
    offset = models.BigIntegerField()
    raw_length = models.IntegerField()
    first_line = models.BigIntegerField(default=1)
    line_count = models.IntegerField(default=0)
    event_number = models.BigIntegerField()
    start_state = models.JSONField(default=dict)
    received = models.DateTimeField()
    body = models.BinaryField()

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["execution", "offset"], name="log_chunk_offset_unique"),
            models.UniqueConstraint(
                fields=["task", "event_number"], name="log_chunk_event_number_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.task_id} at {self.offset}"


class LogArchive(SpaceOwned):
    """The log of a task that ended long ago, as stored bytes (execution.logs.archive_file).

    Chunks that are written afterwards follow on it.
    """

    id_prefix = "LogArchives"

    task = models.OneToOneField(ServerTask, on_delete=models.CASCADE, related_name="log_archive")
    blob = models.ForeignKey(StoredBlob, on_delete=models.PROTECT, related_name="log_archives")
    size = models.BigIntegerField()
    created = models.DateTimeField()

    def __str__(self) -> str:
        return f"archived log of {self.task_id}"

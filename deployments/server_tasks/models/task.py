"""Server tasks: the record of everything that the server does in the background."""

from typing import ClassVar

from django.db import models

from deployments.base.models import SpaceIndexed
from deployments.server_tasks.states import FINISHED, TaskState


class ServerTask(SpaceIndexed):
    """One piece of background work. Rows point upwards by public id only.

    `lease_owner` and `lease_expires` are the claim of the worker that advances it now;
    `wake_count` grows when somebody finds it claimed, so that the claimant looks once more.
    A higher `priority` goes first, and what a person moved to the top before that. A task that
    superseded others has their `queue_place`. `is_complete` says that it does all there is to do,
    so that it can make an older one needless. `is_current` marks the newest deployment of a
    project, environment and tenant (deployments.server_tasks.services.current).
    """

    id_prefix = "ServerTasks"
    scope_paths: ClassVar[dict[str, str]] = {
        "project": "project_number",
        "environment": "environment_number",
        "tenant": "tenant_number",
    }

    kind = models.CharField(max_length=50)
    description = models.CharField(max_length=500)
    arguments = models.JSONField(default=dict)
    state = models.CharField(
        max_length=20,
        default=TaskState.QUEUED,
        choices=[(state.value, state.value) for state in TaskState],
    )
    concurrency_tag = models.CharField(max_length=300, blank=True)
    priority = models.SmallIntegerField(default=0)
    is_moved_to_top = models.BooleanField(default=False)
    queue_place = models.BigIntegerField(null=True, blank=True)
    is_complete = models.BooleanField(default=False)
    is_current = models.BooleanField(default=False)
    project_number = models.BigIntegerField(null=True, blank=True)
    environment_number = models.BigIntegerField(null=True, blank=True)
    tenant_number = models.BigIntegerField(null=True, blank=True)

    queued = models.DateTimeField()
    not_before = models.DateTimeField(null=True, blank=True)
    expires = models.DateTimeField(null=True, blank=True)
    started = models.DateTimeField(null=True, blank=True)
    completed = models.DateTimeField(null=True, blank=True)
    last_updated = models.DateTimeField()

    requested_by = models.CharField(max_length=100, blank=True)
    error_message = models.TextField(blank=True)
    waiting_reason = models.CharField(max_length=500, blank=True)
    has_warnings_or_errors = models.BooleanField(default=False)
    has_pending_interruptions = models.BooleanField(default=False)
    cancel_requests = models.PositiveSmallIntegerField(default=0)
    cancel_requested = models.DateTimeField(null=True, blank=True)
    node_name = models.CharField(max_length=200, blank=True)

    lease_owner = models.CharField(max_length=100, blank=True)
    lease_expires = models.DateTimeField(null=True, blank=True)
    wake_count = models.BigIntegerField(default=0)
    # Nothing begins before all that runs has ended, so not each end need wake the engine.
    waits_for_all = models.BooleanField(default=False)
    last_event_number = models.BigIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["concurrency_tag"],
                condition=models.Q(state__in=[TaskState.EXECUTING, TaskState.CANCELLING])
                & ~models.Q(concurrency_tag=""),
                name="one_running_task_of_a_tag",
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["state", "-priority", "id"], name="task_queue"),
            models.Index(fields=["space", "-id"], name="task_newest"),
            # Counting by state reads nothing else.
            models.Index(
                fields=["space", "state", "has_pending_interruptions"], name="task_totals"
            ),
            models.Index(fields=["space", "project_number", "-id"], name="task_of_project"),
            models.Index(fields=["concurrency_tag", "state"], name="task_concurrency"),
            # Boards read these alone, however many tasks there have been.
            models.Index(
                fields=["space", "project_number", "environment_number", "tenant_number", "id"],
                condition=models.Q(is_current=True),
                name="task_current",
            ),
            models.Index(
                fields=["space", "state"],
                condition=models.Q(is_current=True),
                name="task_current_state",
            ),
            # What was there before what is current, without a look at all that ever ran.
            models.Index(
                fields=[
                    *("space", "kind", "project_number", "environment_number", "tenant_number"),
                    "-id",
                ],
                condition=models.Q(is_current=False, state=TaskState.SUCCESS),
                name="task_succeeded",
            ),
        ]

    def __str__(self) -> str:
        return self.description

    @property
    def is_completed(self) -> bool:
        return TaskState(self.state) in FINISHED

    @property
    def finished_successfully(self) -> bool:
        return self.state == TaskState.SUCCESS

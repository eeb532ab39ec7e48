"""Tasks and nodes as JSON."""

from datetime import timedelta
from typing import Any

from rest_framework import serializers

from deployments.base.api import dates
from deployments.base.api.fields import MomentField
from deployments.base.api.links import space_path, system_path
from deployments.base.api.serializers import (
    IdentifiedSerializer,
    ResourceSerializer,
    SpaceResourceSerializer,
)
from deployments.base.clock import utc_now
from deployments.server_tasks.kinds import may_rerun
from deployments.server_tasks.models import ServerNode, ServerTask
from deployments.server_tasks.states import TaskState

_MINUTE = 60
_HOUR = 3600
_DAY = 86400


class TaskSerializer(SpaceResourceSerializer):
    """A task; `Paused` is `Executing` on the wire, with pending interruptions."""

    name = serializers.CharField(source="kind", read_only=True)
    description = serializers.CharField(read_only=True)
    arguments = serializers.DictField(read_only=True)
    state = serializers.SerializerMethodField()
    completed = serializers.SerializerMethodField()
    is_completed = serializers.BooleanField(read_only=True)
    finished_successfully = serializers.BooleanField(read_only=True)
    queue_time = serializers.SerializerMethodField()
    queue_time_expiry = MomentField(source="expires", read_only=True)
    start_time = MomentField(source="started", read_only=True)
    last_updated_time = MomentField(source="last_updated", read_only=True)
    completed_time = MomentField(source="completed", read_only=True)
    duration = serializers.SerializerMethodField()
    error_message = serializers.CharField(read_only=True)
    server_node = serializers.CharField(source="node_name", read_only=True)
    has_been_picked_up_by_processor = serializers.SerializerMethodField()
    has_pending_interruptions = serializers.BooleanField(read_only=True)
    has_warnings_or_errors = serializers.BooleanField(read_only=True)
    waiting_reason = serializers.CharField(read_only=True)
    can_rerun = serializers.SerializerMethodField()
    project_id = serializers.SerializerMethodField()

    def get_state(self, row: ServerTask) -> str:
        return TaskState.EXECUTING if row.state == TaskState.PAUSED else row.state

    def get_queue_time(self, row: ServerTask) -> str | None:
        """Say when the task may start first, which for a scheduled one is later than now."""
        return dates.to_wire(row.not_before or row.queued)

    def get_completed(self, row: ServerTask) -> str:
        if row.completed is None:
            return row.state if row.state == TaskState.QUEUED else "Executing..."
        return f"{in_words(utc_now() - row.completed)} ago"

    def get_duration(self, row: ServerTask) -> str:
        if row.started is None:
            return in_words(timedelta())
        return in_words((row.completed or utc_now()) - row.started)

    def get_has_been_picked_up_by_processor(self, row: ServerTask) -> bool:
        return row.started is not None

    def get_can_rerun(self, row: ServerTask) -> bool:
        return may_rerun(row.kind, is_completed=row.is_completed)

    def get_project_id(self, row: ServerTask) -> str | None:
        return f"Projects-{row.project_number}" if row.project_number else None

    def get_links(self, row: ServerTask) -> dict[str, str]:
        path = space_path(f"Spaces-{row.space_id}", "tasks", row.public_id)
        return {
            "Self": path,
            "Web": f"/app#/Spaces-{row.space_id}/tasks/{row.public_id}",
            "Details": f"{path}/details{{?verbose,tail,ranges}}",
            "Raw": f"{path}/raw",
            "Cancel": f"{path}/cancel",
            "Abandon": f"{path}/abandon",
            "Prioritize": f"{path}/prioritize",
            "State": f"{path}/state",
            "Rerun": space_path(f"Spaces-{row.space_id}", "tasks", "rerun", row.public_id),
            "QueuedBehind": f"{path}/queued-behind{{?skip,take}}",
            "Artifacts": space_path(f"Spaces-{row.space_id}", "artifacts")
            + f"?regarding={row.public_id}",
            "Interruptions": space_path(f"Spaces-{row.space_id}", "interruptions")
            + f"?regarding={row.public_id}",
        }


class NodeSerializer(IdentifiedSerializer):
    """A node of the server."""

    name = serializers.CharField(read_only=True)
    last_seen = MomentField(read_only=True)
    max_concurrent_tasks = serializers.IntegerField(
        source="task_cap", min_value=1, max_value=10_000
    )
    is_in_maintenance_mode = serializers.BooleanField(source="is_draining", required=False)
    version = serializers.CharField(read_only=True)
    started = MomentField(read_only=True)

    def get_links(self, row: ServerNode) -> dict[str, str]:
        path = system_path("octopusservernodes", row.public_id)
        return {"Self": path, "Details": f"{path}/details"}


class CorrectionSerializer(ResourceSerializer):
    """How a finished task is to be said to have ended, and why."""

    state = serializers.CharField()
    reason = serializers.CharField()


class TaskTypeSerializer(serializers.Serializer[Any]):
    """A kind of task."""

    Id = serializers.CharField(source="name")
    Name = serializers.CharField(source="label")


def in_words(span: timedelta) -> str:
    """Return `1 second`, `3 minutes`, `2 hours` or `4 days`."""
    seconds = max(0, int(span.total_seconds()))
    for size, word in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        if seconds >= size:
            return _counted(seconds // size, word)
    return _counted(seconds, "second") if seconds else "less than a second"


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"

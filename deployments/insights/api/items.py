"""Items of a dashboard: what is where now, and what was there before; light rows."""

from typing import Any, Final

from django.db.models import Max, QuerySet

from deployments.base.api.dates import to_wire
from deployments.releases.models import Deployment
from deployments.server_tasks.states import FINISHED, TaskState

# An item is for a place: a project's environment, for each tenant that deploys there.
_PLACE: Final = ("project_id", "environment_id", "tenant_number")
_COLUMNS: Final = (
    "pk",
    *_PLACE,
    "release_id",
    "channel_id",
    "task_id",
    "release__version",
    "created",
    "task__queued",
    "task__started",
    "task__completed",
    "task__state",
    "task__has_pending_interruptions",
    "task__has_warnings_or_errors",
    "task__error_message",
)


def current_items(rows: "QuerySet[Deployment]") -> list[dict[str, Any]]:
    """Return the newest deployment of each place, whatever became of it; one query."""
    return _items(rows.filter(task__is_current=True), is_current=True)


def previous_items(rows: "QuerySet[Deployment]") -> list[dict[str, Any]]:
    """Return the newest success of each place besides what is current; one query."""
    others = rows.filter(task__state=TaskState.SUCCESS, task__is_current=False)
    newest = others.order_by().values(*_PLACE).annotate(newest=Max("pk")).values("newest")
    return _items(rows.filter(pk__in=newest), is_current=False)


def _items(rows: "QuerySet[Deployment]", *, is_current: bool) -> list[dict[str, Any]]:
    found = rows.order_by("-pk").values(*_COLUMNS)
    return [_item(row, is_current=is_current) for row in found]


def _item(row: dict[str, Any], *, is_current: bool) -> dict[str, Any]:
    state = row["task__state"]
    started, completed = row["task__started"], row["task__completed"]
    tenant = row["tenant_number"]
    return {
        "Id": f"Deployments-{row['pk']}",
        "ProjectId": f"Projects-{row['project_id']}",
        "EnvironmentId": f"Environments-{row['environment_id']}",
        "ReleaseId": f"Releases-{row['release_id']}",
        "DeploymentId": f"Deployments-{row['pk']}",
        "TaskId": f"ServerTasks-{row['task_id']}",
        "TenantId": f"Tenants-{tenant}" if tenant else None,
        "ChannelId": f"Channels-{row['channel_id']}",
        "ReleaseVersion": row["release__version"],
        "Created": to_wire(row["created"]),
        "QueueTime": to_wire(row["task__queued"]),
        "StartTime": to_wire(started),
        "CompletedTime": to_wire(completed),
        "State": str(TaskState.EXECUTING) if state == TaskState.PAUSED else state,
        "HasPendingInterruptions": row["task__has_pending_interruptions"],
        "HasWarningsOrErrors": row["task__has_warnings_or_errors"],
        "ErrorMessage": row["task__error_message"],
        "IsCompleted": state in FINISHED,
        "IsCurrent": is_current,
        "IsPrevious": not is_current,
        "Links": {},
    }

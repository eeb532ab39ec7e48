"""Items of a dashboard: what is where now, and what was there before; light rows."""

from typing import Any, Final

from django.db.models import F, Max, QuerySet, TextField, Window
from django.db.models.functions import Cast, RowNumber

from deployments.base.api.dates import stored_to_wire
from deployments.releases.models import Deployment
from deployments.server_tasks.states import FINISHED, TaskState

# An item is for a place: a project's environment, for each tenant that deploys there.
_CELL: Final = ("project_id", "environment_id")
_PLACE: Final = (*_CELL, "tenant_number")
_DATES: Final = {
    name: Cast(path, TextField())
    for name, path in (
        ("made", "created"),
        ("queued", "task__queued"),
        ("started", "task__started"),
        ("completed", "task__completed"),
    )
}
_COLUMNS: Final = (
    "pk",
    *_PLACE,
    "release_id",
    "channel_id",
    "task_id",
    "release__version",
    "task__state",
    "task__has_pending_interruptions",
    "task__has_warnings_or_errors",
    "task__error_message",
    *_DATES,
)


def current_items(rows: "QuerySet[Deployment]", *, highest: bool = False) -> list[dict[str, Any]]:
    """Return the newest deployment of each place, whatever became of it; one query.

    With `highest` only that of the highest version of each project's environment: of hundreds of
    tenants one item is left, the newest among equals.
    """
    current = rows.filter(task__is_current=True)
    return _items(_highest(current) if highest else current, is_current=True)


def previous_items(rows: "QuerySet[Deployment]", *, highest: bool = False) -> list[dict[str, Any]]:
    """Return the newest success of each place besides what is current; one query."""
    others = rows.filter(task__state=TaskState.SUCCESS, task__is_current=False)
    newest = others.order_by().values(*_PLACE).annotate(newest=Max("pk")).values("newest")
    previous = rows.filter(pk__in=newest)
    return _items(_highest(previous) if highest else previous, is_current=False)


def _highest(rows: "QuerySet[Deployment]") -> "QuerySet[Deployment]":
    best = Window(
        RowNumber(),
        partition_by=[F(name) for name in _CELL],
        order_by=[F("release__version_key").desc(), F("pk").desc()],
    )
    return rows.annotate(rank=best).filter(rank=1)


def _items(rows: "QuerySet[Deployment]", *, is_current: bool) -> list[dict[str, Any]]:
    found = rows.order_by("-pk").annotate(**_DATES).values_list(*_COLUMNS)
    return [_item(*values, is_current=is_current) for values in found]


def _item(*values: Any, is_current: bool) -> dict[str, Any]:
    number, project, environment, tenant, release, channel, task, version, *others = values
    state, waits, warns, error, made, queued, started, completed = others
    return {
        "Id": f"Deployments-{number}",
        "ProjectId": f"Projects-{project}",
        "EnvironmentId": f"Environments-{environment}",
        "ReleaseId": f"Releases-{release}",
        "DeploymentId": f"Deployments-{number}",
        "TaskId": f"ServerTasks-{task}",
        "TenantId": f"Tenants-{tenant}" if tenant else None,
        "ChannelId": f"Channels-{channel}",
        "ReleaseVersion": version,
        "Created": stored_to_wire(made),
        "QueueTime": stored_to_wire(queued),
        "StartTime": stored_to_wire(started),
        "CompletedTime": stored_to_wire(completed),
        "State": str(TaskState.EXECUTING) if state == TaskState.PAUSED else state,
        "HasPendingInterruptions": waits,
        "HasWarningsOrErrors": warns,
        "ErrorMessage": error,
        "IsCompleted": state in FINISHED,
        "IsCurrent": is_current,
        "IsPrevious": not is_current,
        "Links": {},
    }

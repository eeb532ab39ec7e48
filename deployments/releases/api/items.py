"""Deployments as matrices on the wire say them: light rows, without a model for each."""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from django.db.models import QuerySet

from deployments.base.api.dates import Wire
from deployments.base.clock import utc_now
from deployments.releases.models import Deployment
from deployments.server_tasks.api.serializers import in_words
from deployments.server_tasks.states import FINISHED, TaskState

_DATES: Final = {
    name: Wire(path)
    for name, path in (
        ("made", "created"),
        ("queued", "task__queued"),
        ("started", "task__started"),
        ("completed", "task__completed"),
    )
}
_SHOWN: Final = {str(TaskState.PAUSED): str(TaskState.EXECUTING)}
_FINISHED: Final = frozenset(map(str, FINISHED))
_COLUMNS: Final = (
    "pk",
    "project_id",
    "environment_id",
    "tenant_number",
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


def item_rows(rows: "QuerySet[Deployment]") -> "QuerySet[Deployment, tuple[Any, ...]]":
    """Return what `item_of` writes: number, project, environment, tenant, release, channel, …."""
    return rows.annotate(**_DATES).values_list(*_COLUMNS)


def _took(started: str | None, completed: str | None) -> str:
    """Say how long it took, or takes so far, from the moments as the wire has them."""
    if started is None:
        return _words(0)
    end = datetime.fromisoformat(completed) if completed else utc_now()
    return _words(int((end - datetime.fromisoformat(started)).total_seconds()))


@lru_cache(maxsize=10_000)
def _words(seconds: int) -> str:
    return in_words(timedelta(seconds=seconds))


def item_of(row: tuple[Any, ...], *, is_current: bool, is_previous: bool) -> dict[str, Any]:
    """Return the item of a deployment."""
    number, project, environment, tenant, release, channel, task, version = row[:8]
    state, waits, warns, error, made, queued, started, completed = row[8:]
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
        "Created": made,
        "QueueTime": queued,
        "StartTime": started,
        "CompletedTime": completed,
        "Duration": _took(started, completed),
        "State": _SHOWN.get(state, state),
        "HasPendingInterruptions": waits,
        "HasWarningsOrErrors": warns,
        "ErrorMessage": error,
        "IsCompleted": state in _FINISHED,
        "IsCurrent": is_current,
        "IsPrevious": is_previous,
        "Links": {},
    }

"""Reading the newest deployments, as light rows for matrices."""

from typing import Any

from django.db.models import Max, QuerySet
from django.db.models.functions import Coalesce

from deployments.releases.cells import Deployed
from deployments.releases.models import Deployment

_COLUMNS = (
    "project_id",
    "environment_id",
    "release_id",
    "release__version",
    "task_id",
    "task__state",
    "task__has_warnings_or_errors",
    "task__has_pending_interruptions",
    "task__waiting_reason",
    "moment",
)


def newest_deployments(rows: "QuerySet[Deployment]", *by: str) -> list[Deployed]:
    """Return the newest deployment of each combination of the columns `by`; one query."""
    newest = rows.order_by().values(*by).annotate(newest=Max("pk")).values("newest")
    found: Any = Deployment.objects.unscoped(reason="among rows that were scoped").filter(
        pk__in=newest
    )
    moment = Coalesce("task__completed", "task__started", "task__queued")
    rows = found.order_by("-pk").annotate(moment=moment)
    return [_deployed(*values) for values in rows.values_list(*_COLUMNS)]


def _deployed(*values: Any) -> Deployed:
    project, environment, release, version, task, state, warnings, waits, reason, moment = values
    return Deployed(
        project=project,
        environment=environment,
        release=release,
        version=version,
        task=task,
        state=state,
        moment=moment,
        has_warnings=warnings,
        is_waiting=waits,
        waiting_reason=reason,
    )

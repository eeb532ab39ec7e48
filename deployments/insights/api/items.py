"""Items of a dashboard: what is where now, and what was there before; light rows."""

from typing import Any, Final

from django.db.models import F, Max, QuerySet, Window
from django.db.models.functions import RowNumber

from deployments.releases.api.items import item_of, item_rows
from deployments.releases.models import Deployment
from deployments.releases.services.queueing import KIND
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.states import TaskState

# An item is for a place: a project's environment, for each tenant that deploys there.
_CELL: Final = ("project_id", "environment_id")
_PLACE: Final = ("project_number", "environment_number", "tenant_number")


def current_items(
    rows: "QuerySet[Deployment]", tasks: "QuerySet[ServerTask]", *, highest: bool = False
) -> list[dict[str, Any]]:
    """Return the newest deployment of each place, whatever became of it; one query.

    `rows` are the deployments that count and `tasks` theirs, maybe with some more. With `highest`
    only that of the highest version of each project's environment: of hundreds of tenants one item
    is left, the newest among equals.
    """
    current = rows.filter(task__in=_newest(tasks.filter(is_current=True)))
    return _items(_highest(current) if highest else current, is_current=True)


def previous_items(
    rows: "QuerySet[Deployment]", tasks: "QuerySet[ServerTask]", *, highest: bool = False
) -> list[dict[str, Any]]:
    """Return the newest success of each place besides what is current; one query."""
    others = tasks.filter(kind=KIND, state=TaskState.SUCCESS, is_current=False)
    previous = rows.filter(task__in=_newest(others))
    return _items(_highest(previous) if highest else previous, is_current=False)


def _newest(tasks: "QuerySet[ServerTask]") -> "QuerySet[ServerTask, Any]":
    """Return the query of the newest of the tasks of each place.

    Tasks say the place themselves, so that the database need not join all deployments there have
    been. Of current ones there is one for each place; grouped, they are looked up by their key.
    """
    grouped: Any = tasks.order_by().values(*_PLACE).annotate(newest=Max("pk"))
    newest: QuerySet[ServerTask, Any] = grouped.values("newest")
    return newest


def _highest(rows: "QuerySet[Deployment]") -> "QuerySet[Deployment]":
    best = Window(
        RowNumber(),
        partition_by=[F(name) for name in _CELL],
        order_by=[F("release__version_key").desc(), F("pk").desc()],
    )
    return rows.annotate(rank=best).filter(rank=1)


def _items(rows: "QuerySet[Deployment]", *, is_current: bool) -> list[dict[str, Any]]:
    return [
        item_of(row, is_current=is_current, is_previous=not is_current)
        for row in item_rows(rows.order_by("-pk"))
    ]

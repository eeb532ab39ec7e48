"""Telling open lists of tasks that a task was queued, goes on, waits or has ended."""

from collections.abc import Collection
from typing import Any, Final

from django.http import StreamingHttpResponse
from django.views.decorators.http import require_GET

from deployments.access.permissions import Permission
from deployments.access.web.forms import event_stream
from deployments.access.web.pages import PageRequest, page
from deployments.base.following.telling import Telling
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.states import ACTIVE

# What a list shows of those that are active; the rest of a longer queue is not looked at.
_MOST: Final = 200
_COLUMNS: Final = ("pk", "state", "waiting_reason", "has_pending_interruptions")

# By space: the newest task, and how the active ones stand.
_Seen = dict[int, tuple[Any, ...]]


@require_GET
@page(Permission.TaskView)
def task_list_live(request: PageRequest) -> StreamingHttpResponse:
    """Tell an open list of tasks, as server-sent events, that it should be drawn anew."""
    return event_stream(request, lists.stream(request.space.pk))


def look_at_tasks(before: _Seen | None, viewed: Collection[int]) -> tuple[_Seen, set[int | None]]:
    """Return how the tasks of the spaces stand, and the spaces where that is not as before."""
    now = {space: _standing(space) for space in viewed}
    known = before or {}
    return now, {space for space in now if space in known and known[space] != now[space]}


def _standing(space: int) -> tuple[Any, ...]:
    rows = ServerTask.objects.unscoped(reason="the viewer's access was checked").filter(space=space)
    newest = rows.order_by("-pk").values_list("pk", flat=True).first()
    active = rows.filter(state__in=ACTIVE).order_by("-started", "-priority", "pk")
    return newest, *active.values_list(*_COLUMNS)[:_MOST]


lists: Final = Telling(look_at_tasks)

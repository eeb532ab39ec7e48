"""The log of a task over HTTP: live, in ranges, searched and raw."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from django.http import HttpResponse, StreamingHttpResponse
from django.views.decorators.http import require_GET

from deployments.access.permissions import Permission
from deployments.access.web.forms import event_stream
from deployments.access.web.pages import PageRequest, find, page
from deployments.base.api.streamed import stream_text
from deployments.base.errors import NotFound
from deployments.base.numbers import whole_number
from deployments.execution.logs.chunks import LogUnavailable
from deployments.execution.logs.live import stream
from deployments.execution.logs.queries import log_lines
from deployments.execution.logs.raw import raw_log
from deployments.execution.models import ActionExecution
from deployments.execution.web.lines import lines_html
from deployments.server_tasks.models import ServerTask

MOST_LINES = 5000


@require_GET
@page(Permission.TaskView)
def stream_view(request: PageRequest, task: str) -> StreamingHttpResponse:
    """Stream log lines and states as server-sent events, from `after` or Last-Event-ID on."""
    row = find(request, ServerTask, task, Permission.TaskView)
    after = _number(request.headers.get("Last-Event-ID") or request.GET.get("after"), 0)

    async def body() -> AsyncGenerator[bytes, None]:
        yield b"retry: 2000\n\n"
        async with aclosing(stream(row.pk, after)) as parts:
            async for part in parts:
                yield part

    return event_stream(request, body())


@require_GET
@page(Permission.TaskView)
def lines_view(request: PageRequest, task: str) -> HttpResponse:
    """Return a range of a node's lines as HTML: `node`, `first`, `count`."""
    row = find(request, ServerTask, task, Permission.TaskView)
    node = request.GET.get("node", "")
    execution = execution_of(row, node)
    if execution is None:
        raise NotFound
    count = min(max(1, _number(request.GET.get("count"), MOST_LINES)), MOST_LINES)
    first = max(1, _number(request.GET.get("first"), 1))
    try:
        lines = log_lines(execution, first=first, count=count)
    except LogUnavailable as error:
        return HttpResponse(error.message, status=503)
    answer = HttpResponse(lines_html(f"exec-{execution.pk}", lines))
    answer.headers["Cache-Control"] = "no-store"
    return answer


@require_GET
@page(Permission.TaskView)
def raw_view(request: PageRequest, task: str) -> StreamingHttpResponse:
    """Stream the log as text, all of it or that of one `node`."""
    row = find(request, ServerTask, task, Permission.TaskView)
    row.space = request.space
    node = _number(request.GET.get("node"), 0)
    name = f"{row.public_id}-{node}.log.txt" if node else f"{row.public_id}.log.txt"
    headers = {"Content-Disposition": f'inline; filename="{name}"'}
    return stream_text(request, raw_log(row, node=node), headers)


def executions_of(task: ServerTask) -> list[ActionExecution]:
    """Return what ran for the task, in order."""
    rows = ActionExecution.objects.in_space(task.space).filter(task=task).defer("log_state")
    executions = list(rows.order_by("step_number", "id"))
    for row in executions:
        row.space = task.space
    return executions


def execution_of(task: ServerTask, text: str) -> ActionExecution | None:
    """Return the node of the task that a query names by its number."""
    rows = ActionExecution.objects.in_space(task.space).filter(task=task, pk=_number(text, 0))
    return rows.first()


def _number(text: str | None, default: int) -> int:
    number = whole_number(text)
    return default if number is None else number

"""The log of a task over HTTP: live, in ranges, searched and raw."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

from django.http import HttpResponse, StreamingHttpResponse
from django.views.decorators.http import require_GET

from deployments.access.permissions import Permission
from deployments.access.web.pages import PageRequest, find, page
from deployments.base.errors import NotFound
from deployments.execution.logs.chunks import LogUnavailable
from deployments.execution.logs.live import in_thread, stream
from deployments.execution.logs.queries import Line, log_lines, task_lines
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

    async def body() -> AsyncIterator[bytes]:
        yield b"retry: 2000\n\n"
        async for part in stream(row.pk, after):
            yield part

    return StreamingHttpResponse(
        body(),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


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
    """Stream the whole log as text, node by node."""
    row = find(request, ServerTask, task, Permission.TaskView)
    name = f'inline; filename="{row.public_id}.log.txt"'
    return StreamingHttpResponse(
        _raw(row),
        content_type="text/plain; charset=utf-8",
        headers={"Cache-Control": "no-store", "Content-Disposition": name},
    )


async def _raw(task: ServerTask) -> AsyncIterator[str]:
    try:
        async for part in _whole(task):
            yield part
    except LogUnavailable as error:
        yield f"{error.message}\n"


async def _whole(task: ServerTask) -> AsyncIterator[str]:
    yield f"{task.public_id} {task.description}: {task.state}\n"
    yield "".join(map(_text, await in_thread(lambda: task_lines(task))))
    for execution in await in_thread(lambda: executions_of(task)):
        yield f"\n== {execution.action_name} on {execution.target_name}: {execution.state}\n"
        for first in range(1, execution.line_count + 1, MOST_LINES):
            lines = await in_thread(
                lambda: log_lines(execution, first=first, count=MOST_LINES)  # noqa: B023 used at once
            )
            yield "".join(map(_text, lines))


def _text(line: Line) -> str:
    moment = datetime.fromtimestamp(line.time_ms / 1000, tz=UTC)
    return f"{moment:%H:%M:%S}   {line.level:<9} |   {line.text}\n"


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
    most = 18
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < most else default

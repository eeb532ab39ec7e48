"""The whole log of a task as text, written while it is read."""

from collections.abc import Iterator
from datetime import UTC, datetime

from deployments.execution.logs.chunks import LogUnavailable
from deployments.execution.logs.queries import Line, pages_of_lines, task_lines
from deployments.execution.logs.steps import read_steps, status_of
from deployments.server_tasks.models import ServerTask

_INDENT = "                    |"


def raw_log(task: ServerTask, *, node: int = 0) -> Iterator[str]:
    """Yield the text piece by piece; `node` limits it to one execution, by its number.

    The end says so when the rest cannot be read.
    """
    try:
        yield from _whole_log(task, node)
    except LogUnavailable as error:
        yield f"{error.message}\n"


def _whole_log(task: ServerTask, node: int) -> Iterator[str]:
    yield f"Task ID:        {task.public_id}\n"
    yield f"Task status:    {task.state}\n"
    yield f"Task queued:    {_moment(task.queued)}\n"
    yield f"Task started:   {_moment(task.started)}\n"
    yield f"Task completed: {_moment(task.completed)}\n\n"
    yield f"{_INDENT} == {task.state}: {task.description} ==\n"
    if not node:
        yield "".join(_text(line, depth=1) for line in task_lines(task))
    _, steps = read_steps(task)
    for step in steps:
        rows = [row for row in step.executions if node in (0, row.pk)]
        if node and not rows:
            continue
        yield f"{_INDENT}   == {step.status}: {step.title} ==\n"
        for row in rows:
            yield f"{_INDENT}     == {status_of(row)}: {step.name_of(row)} ==\n"
            for lines in pages_of_lines(row):
                yield "".join(_text(line, depth=3) for line in lines)
            if row.error_message:
                yield f"{_INDENT}       {row.error_message}\n"


def _text(line: Line, *, depth: int) -> str:
    moment = datetime.fromtimestamp(line.time_ms / 1000, tz=UTC)
    return f"{moment:%H:%M:%S}   {line.level.capitalize():<9}|{' ' * (2 * depth + 1)}{line.text}\n"


def _moment(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if moment else "-"

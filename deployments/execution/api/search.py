"""`tasks/{id}/logs/search`: lines with a text, as JSON."""

from datetime import UTC, datetime
from typing import Any

from deployments.base.api.dates import to_wire
from deployments.base.api.query import Query
from deployments.base.errors import Invalid
from deployments.execution.logs.lines import LEVELS
from deployments.execution.logs.search import Hit, search_log
from deployments.execution.logs.steps import read_steps
from deployments.server_tasks.models import ServerTask

_LONGEST_TEXT = 1000


def search_answer(task: ServerTask, query: Query) -> dict[str, Any]:
    """Return `Items` and `Next`, which is "" at the end and else the next search's `after`.

    Reads `q`, `node` (an item's Node), `levels` (with commas) and `after`. Raises Invalid.
    """
    text = query.text("q")
    if not 1 <= len(text) <= _LONGEST_TEXT:
        raise Invalid(f"q must have 1 to {_LONGEST_TEXT} characters.")
    levels = [level.lower() for level in query.texts("levels")]
    if unknown := sorted(set(levels) - LEVELS):
        raise Invalid(f"{unknown[0]} is no level. The levels are {', '.join(sorted(LEVELS))}.")
    _, steps = read_steps(task)
    rows = [row for step in steps for row in step.executions]
    found = search_log(
        task, rows, text, node=query.text("node"), levels=levels, start=query.text("after")
    )
    return {"Items": [_item(hit) for hit in found.hits], "Next": found.go_on}


def _item(hit: Hit) -> dict[str, Any]:
    moment = datetime.fromtimestamp(hit.line.time_ms / 1000, tz=UTC)
    return {
        "Node": hit.node,
        "Title": hit.title,
        "Number": hit.line.number,
        "Category": hit.line.level.capitalize(),
        "OccurredAt": to_wire(moment),
        "MessageText": hit.line.text,
    }

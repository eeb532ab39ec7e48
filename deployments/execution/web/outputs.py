"""The output variables of a task: on its page, all of them, and one value as text."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Case, IntegerField, QuerySet, Value, When
from django.db.models.functions import Left, Length
from django.http import HttpResponse
from django.views.decorators.http import require_GET

from deployments.access.permissions import Permission
from deployments.access.policy import allows_on, require_on
from deployments.access.web.forms import filters_of, page_of, show
from deployments.access.web.pages import PageRequest, find, page
from deployments.base import public_ids
from deployments.base.errors import NotFound
from deployments.execution.models import ActionExecution, OutputVariable
from deployments.execution.plan import SERVER_PLACE
from deployments.execution.web.task_log import executions_of
from deployments.server_tasks.models import ServerTask

# What the page of a task shows; the others have a page of their own.
_MOST: Final = 30
_LONGEST: Final = 300
_MOST_LINES: Final = 3


@dataclass(frozen=True, slots=True)
class OutputRow:
    """A value as a page shows it: of a secret only that it is there."""

    public_id: str
    step: str
    place: str
    name: str
    text: str
    is_sensitive: bool
    length: int

    @property
    def is_cut(self) -> bool:
        """Tell whether the text is only the beginning of the value."""
        return self.length > len(self.text)


def outputs_on_page(
    request: PageRequest, task: ServerTask, executions: Sequence[ActionExecution]
) -> dict[str, Any]:
    """Return what the page of a task shows of its output variables; nothing to who may not see."""
    if not allows_on(request.actor, task, Permission.VariableView):
        return {}
    rows = list(_rows(task, executions)[: _MOST + 1])
    return {
        "outputs": _shown(rows[:_MOST], executions),
        "has_more_outputs": len(rows) > _MOST,
    }


@require_GET
@page(Permission.VariableView)
def outputs_view(request: PageRequest, task: str) -> HttpResponse:
    """List all output variables of a task, those whose name has the text `q`."""
    row = find(request, ServerTask, task, Permission.TaskView)
    row.space = request.space
    require_on(request.actor, row, Permission.VariableView)
    executions = executions_of(row)
    filters = filters_of(request)
    text = filters["q"].strip()
    rows = _rows(row, executions)
    found = page_of(request, rows.filter(name__icontains=text) if text else rows)
    outputs = _shown(found.object_list, executions)
    values = {"task": row, "page": found, "outputs": outputs, "filters": filters}
    answer = show(request, "execution/outputs.html", values)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@require_GET
@page(Permission.VariableView)
def output_view(request: PageRequest, task: str, output: str) -> HttpResponse:
    """Send one value whole, as a file of text; a secret is never sent."""
    row = find(request, ServerTask, task, Permission.TaskView)
    row.space = request.space
    require_on(request.actor, row, Permission.VariableView)
    number = public_ids.parse(OutputVariable.id_prefix, output)
    rows = OutputVariable.objects.in_space(request.space).filter(task=row, is_sensitive=False)
    found = rows.filter(pk=number or 0).first()
    if found is None:
        raise NotFound
    name = f"{row.public_id}-{found.public_id}.txt"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
    }
    return HttpResponse(found.value, content_type="text/plain; charset=utf-8", headers=headers)


def _rows(task: ServerTask, executions: Iterable[ActionExecution]) -> "QuerySet[OutputVariable]":
    """Return what later steps see, in the order of the steps; secrets stay in the database."""
    rows = OutputVariable.objects.in_space(task.space).filter(task=task)
    if superseded := _superseded(executions):
        rows = rows.exclude(execution__in=superseded)
    hidden: Any = When(is_sensitive=True, then=Value(""))
    return (
        rows.annotate(
            start=Case(hidden, default=Left("value", _LONGEST)),
            length=Case(
                When(is_sensitive=True, then=Value(0)),
                default=Length("value"),
                output_field=IntegerField(),
            ),
        )
        .only("execution", "name", "is_sensitive")
        .order_by("execution__step_number", "execution__action_name", "name", "execution_id")
    )


def _superseded(executions: Iterable[ActionExecution]) -> list[int]:
    """Return the attempts after which there was another at the same place."""
    attempts: dict[tuple[str, str], list[ActionExecution]] = defaultdict(list)
    for row in executions:
        attempts[row.action_id, row.target_id].append(row)
    return [
        row.pk
        for of_place in attempts.values()
        for row in sorted(of_place, key=lambda row: row.attempt)[:-1]
    ]


def _shown(rows: Iterable[Any], executions: Iterable[ActionExecution]) -> list[OutputRow]:
    by_pk = {row.pk: row for row in executions}
    return [
        OutputRow(
            public_id=row.public_id,
            step=by_pk[row.execution_id].action_name,
            place=_place(by_pk[row.execution_id]),
            name=row.name,
            text="\n".join(row.start.split("\n")[:_MOST_LINES]),
            is_sensitive=row.is_sensitive,
            length=row.length,
        )
        for row in rows
        # One that began after the executions were read comes with the next look.
        if row.execution_id in by_pk
    ]


def _place(row: ActionExecution) -> str:
    return "the server" if row.target_id == SERVER_PLACE else row.target_name

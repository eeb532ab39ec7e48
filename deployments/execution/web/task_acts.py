"""What people do to a task: cancel it, answer its questions."""

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_POST

from deployments.access.permissions import Permission
from deployments.access.rules import SIGNED_IN
from deployments.access.web.forms import attempt, go
from deployments.access.web.pages import PageRequest, find, page
from deployments.base import public_ids
from deployments.base.errors import NotFound
from deployments.execution.models import Interruption
from deployments.execution.services.interruptions import submit, take_responsibility
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.services import cancel_task
from deployments.server_tasks.states import TaskState

_DONE = {
    "Abort": "The deployment is aborted.",
    "Fail": "The failure stands.",
    "Retry": "The action runs again.",
    "Ignore": "The failure is ignored.",
    "Exclude": "The machine takes no further part in this deployment.",
}


@require_POST
@page(Permission.TaskCancel)
def cancel_view(request: PageRequest, task: str) -> HttpResponse:
    """Cancel the task."""
    row = find(request, ServerTask, task, Permission.TaskView)
    was_finished = row.is_completed
    row = cancel_task(actor=request.actor, task=row)
    if was_finished:
        messages.warning(request, "The task had ended before it could be canceled.")
    elif row.state == TaskState.CANCELED:
        messages.success(request, "The task was canceled before it started.")
    else:
        messages.success(request, "The task is being canceled. Steps that run now are stopped.")
    return go(request, f"tasks/{row.public_id}")


@require_POST
@page(SIGNED_IN)
def interruption_view(request: PageRequest, task: str, interruption: str) -> HttpResponse:
    """Take the responsibility for a question, or answer it; the services check who may."""
    row = find(request, ServerTask, task, Permission.TaskView)
    number = public_ids.parse(Interruption.id_prefix, interruption)
    rows = Interruption.objects.in_space(request.space).select_related("execution", "task")
    question = rows.filter(task=row, pk=number or 0).first()
    if question is None:
        raise NotFound
    choice = request.POST.get("answer", "")
    if choice == "take":
        _, problems = attempt(
            lambda: take_responsibility(actor=request.actor, interruption=question)
        )
        done = "You are responsible for the answer now."
    else:
        notes = request.POST.get("notes", "")
        _, problems = attempt(
            lambda: submit(actor=request.actor, interruption=question, result=choice, notes=notes)
        )
        done = _DONE.get(choice, "The deployment goes on.")
    if problems:
        for error in problems.errors:
            messages.error(request, error)
    else:
        messages.success(request, done)
    return go(request, f"tasks/{row.public_id}")

"""What people do to a task: cancel or abandon it, move or correct it, answer its questions."""

from collections.abc import Callable
from functools import partial

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
from deployments.server_tasks.services import (
    abandon_task,
    cancel_task,
    correct_state,
    move_to_top,
    rerun,
)
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
    was_finished, was_cancelled = row.is_completed, row.cancel_requests > 0
    if was_cancelled and not request.GET.get("by_force"):
        messages.warning(request, "The task is being canceled already.")
        return go(request, f"tasks/{row.public_id}")
    row = cancel_task(actor=request.actor, task=row, by_force=was_cancelled)
    if was_finished:
        messages.warning(request, "The task had ended before it could be canceled.")
    elif row.state == TaskState.CANCELED:
        messages.success(request, "The task was canceled before it started.")
    elif was_cancelled:
        messages.success(request, "The task ends now. What does not stop is left behind.")
    else:
        messages.success(request, "The task is being canceled. Steps that run now are stopped.")
    return go(request, f"tasks/{row.public_id}")


@require_POST
@page(Permission.TaskCancel)
def abandon_view(request: PageRequest, task: str) -> HttpResponse:
    """Give up a task that does not end."""
    return _act(request, task, abandon_task, "The task was abandoned.")


@require_POST
@page(Permission.TaskPrioritize)
def prioritize_view(request: PageRequest, task: str) -> HttpResponse:
    """Move the task to the top of the queue."""
    return _act(request, task, move_to_top, "The task is next in the queue.")


@require_POST
@page(Permission.TaskEdit)
def correct_view(request: PageRequest, task: str) -> HttpResponse:
    """Correct how the task is said to have ended."""
    correct = partial(
        correct_state,
        state=request.POST.get("state", ""),
        reason=request.POST.get("reason", ""),
    )
    return _act(request, task, correct, "The state was corrected.")


@require_POST
@page(Permission.TaskCreate)
def rerun_view(request: PageRequest, task: str) -> HttpResponse:
    """Queue the task once more."""
    return _act(request, task, rerun, "The task is in the queue once more.")


def _act(
    request: PageRequest, task: str, service: Callable[..., ServerTask], done: str
) -> HttpResponse:
    row = find(request, ServerTask, task, Permission.TaskView)
    result, problems = attempt(lambda: service(actor=request.actor, task=row))
    if result is None:
        for error in (*problems.errors, *problems.fields.values()):
            messages.error(request, error)
    else:
        messages.success(request, done)
    return go(request, f"tasks/{(result or row).public_id}")


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

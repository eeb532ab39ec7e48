"""Canceling many tasks at once: those of a filtered list that have not ended."""

from typing import Final

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_POST

from deployments.access.permissions import Permission
from deployments.access.web.forms import go
from deployments.access.web.pages import PageRequest, page
from deployments.base.numbers import whole_number
from deployments.execution.web.task_list import cancelable, is_filtered
from deployments.server_tasks.services import cancel_task

# So many in one answer; the list then offers the others.
MOST: Final = 200


@require_POST
@page(Permission.TaskCancel)
def cancel_listed(request: PageRequest) -> HttpResponse:
    """Cancel the tasks of the filtered list that have not ended, as far as one may.

    `newest` is the number of the newest that the list had: what came after it is not meant.
    """
    if not is_filtered(request):
        messages.error(request, "Filter the list first: all tasks at once are not canceled.")
        return go(request, "tasks")
    newest = whole_number(request.POST.get("newest")) or 0
    rows = list(cancelable(request).filter(pk__lte=newest).order_by("pk")[:MOST])
    for row in rows:
        cancel_task(actor=request.actor, task=row, by_force=False)
    if rows:
        text = f"{len(rows)} task{' was' if len(rows) == 1 else 's were'} canceled."
        messages.success(request, f"{text} Steps that run now are stopped.")
    else:
        messages.warning(request, "None of them can be canceled any more.")
    return go(request, f"tasks?{request.GET.urlencode()}")

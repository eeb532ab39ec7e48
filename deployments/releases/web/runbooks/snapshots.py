"""One snapshot of a runbook: what it froze, its name and notes, publishing, deleting."""

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods, require_POST

from deployments.access.permissions import Permission
from deployments.access.policy import allows_on
from deployments.access.web.forms import NO_PROBLEMS, attempt, carry_out, go, show
from deployments.access.web.pages import PageRequest, page
from deployments.base.errors import NotFound
from deployments.projects.models import Runbook
from deployments.releases.comparison.variables import changed_variables
from deployments.releases.models import RunbookSnapshot
from deployments.releases.queries import find_snapshot, process_of_release, snapshots_of
from deployments.releases.services.runbook_snapshots import (
    delete_runbook_snapshot,
    update_runbook_snapshot,
    update_variables_of_runbook_snapshot,
)
from deployments.releases.web.runbooks.pages import may_freeze, runbook_frame, runbook_of
from deployments.releases.web.scope_words import scope_words


@require_http_methods(["GET", "POST"])
@page(Permission.RunbookView)
def snapshot_page(request: PageRequest, project: str, runbook: str, snapshot: str) -> HttpResponse:
    """Show what was frozen; change name and notes."""
    row, stored = _snapshot_of(request, project, runbook, snapshot)
    problems = NO_PROBLEMS
    name, notes = stored.name, stored.notes
    if request.method == "POST":
        name, notes = request.POST.get("name", ""), request.POST.get("notes", "")
        saved, problems = attempt(
            lambda: update_runbook_snapshot(
                actor=request.actor, snapshot=stored, name=name, notes=notes
            )
        )
        if saved is not None:
            messages.success(request, f"The snapshot {saved.name} was saved.")
            return go(request, _path(row, stored))
    changes = changed_variables(request.actor, stored)
    values = {
        **runbook_frame(request, row),
        "snapshot": stored,
        "title": RunbookSnapshot.objects.in_space(request.space).get(pk=stored.pk).name,
        "name": name,
        "notes": notes,
        "steps": process_of_release(stored).steps,
        "packages": stored.selected_packages.all(),
        "changes": [(each, scope_words(request, stored, each.scope)) for each in changes],
        "runs": stored.runs.count(),
        "may_edit": allows_on(request.actor, row, Permission.RunbookEdit),
        "may_freeze": may_freeze(request, row),
    }
    return show(request, "releases/runbooks/snapshot.html", values, problems)


@require_POST
@page(Permission.RunbookEdit)
def snapshot_variables(
    request: PageRequest, project: str, runbook: str, snapshot: str
) -> HttpResponse:
    """Take the project's variables as they are now."""
    row, stored = _snapshot_of(request, project, runbook, snapshot)
    update_variables_of_runbook_snapshot(actor=request.actor, snapshot=stored)
    messages.success(request, f"The snapshot {stored.name} has the current variables.")
    return go(request, _path(row, stored))


@require_POST
@page(Permission.RunbookEdit)
def snapshot_delete(
    request: PageRequest, project: str, runbook: str, snapshot: str
) -> HttpResponse:
    """Delete the snapshot with its ended runs."""
    row, stored = _snapshot_of(request, project, runbook, snapshot)
    return carry_out(
        request,
        lambda: delete_runbook_snapshot(actor=request.actor, snapshot=stored),
        f"The snapshot {stored.name} was deleted.",
        to=f"projects/{row.project.public_id}/runbooks/{row.public_id}",
        refused=_path(row, stored),
    )


def _snapshot_of(
    request: PageRequest, project: str, runbook: str, text: str
) -> tuple[Runbook, RunbookSnapshot]:
    row = runbook_of(request, project, runbook)
    found = find_snapshot(snapshots_of(row), text)
    if found is None:
        raise NotFound
    found.runbook, found.space = row, request.space
    return row, found


def _path(row: Runbook, snapshot: RunbookSnapshot) -> str:
    below = f"projects/{row.project.public_id}/runbooks/{row.public_id}"
    return f"{below}/snapshots/{snapshot.public_id}"

"""The runbooks of a project, and one of them: snapshots, publishing, runs."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import messages
from django.db.models import Max, QuerySet
from django.http import HttpResponse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from deployments.access.permissions import Permission
from deployments.access.policy import allows_on
from deployments.access.web.forms import NO_PROBLEMS, attempt, carry_out, checked, go, page_of, show
from deployments.access.web.pages import PageRequest, page
from deployments.base.errors import NotFound
from deployments.projects.models import Runbook
from deployments.projects.queries import process_of_runbook
from deployments.projects.runbook_tags import (
    RunbookTag,
    RunbookTagSet,
    runbook_tag_sets_of,
)
from deployments.projects.services.runbooks import RunbookInput, create_runbook
from deployments.projects.web.process_owner import runbook_in
from deployments.projects.web.rail import project_frame
from deployments.releases.models import RunbookRun, RunbookSnapshot
from deployments.releases.queries import find_snapshot, snapshots_of
from deployments.releases.services.runbook_snapshots import (
    create_runbook_snapshot,
    delete_runbook,
    publish_runbook_snapshot,
)
from deployments.releases.variables import library_is_modified
from deployments.releases.web.frames import project_of, visible_environments
from deployments.releases.web.runbooks.triggered import triggers_running
from tenants.queries import tenant_names

_MOST_SNAPSHOTS = 20


@require_http_methods(["GET", "POST"])
@page(Permission.RunbookView)
def runbook_list(request: PageRequest, project: str) -> HttpResponse:
    """List the runbooks with what is published and the last run; create one."""
    row = project_of(request, project)
    problems = NO_PROBLEMS
    if request.method == "POST":
        sent = RunbookInput(request.POST.get("name", ""), request.POST.get("description", ""))
        made, problems = attempt(
            lambda: create_runbook(actor=request.actor, project=row, runbook=sent)
        )
        if made is not None:
            messages.success(request, f"The runbook {made.name} was created. Add its steps.")
            return go(request, f"projects/{row.public_id}/runbooks/{made.public_id}")
    rows = Runbook.objects.visible_to(request.actor, request.space, Permission.RunbookView)
    rows = rows.filter(project=row)
    tag_sets = runbook_tag_sets_of(request.space)
    tag = known_tag(tag_sets, request.GET.get("tag", ""))
    if tag is not None:
        carried = rows.values_list("pk", "settings")
        rows = rows.filter(
            pk__in=[pk for pk, stored in carried if tag.canonical in tags_of(stored)]
        )
    part = page_of(request, rows)
    published = RunbookSnapshot.objects.in_space(request.space).filter(is_published=True)
    names = {each.runbook_id: each.name for each in published.filter(runbook__in=part)}
    runs = visible_runs(request)
    of_page = runs.filter(runbook__in=part).order_by().values("runbook")
    newest = of_page.annotate(newest=Max("pk")).values("newest")
    last = {run.runbook_id: run for run in runs.filter(pk__in=newest)}
    values = {
        **project_frame(request, row, "Runbooks"),
        "page": part,
        "rows": [
            (each, carried_tags(tag_sets, each), names.get(each.pk, ""), last.get(each.pk))
            for each in part
        ],
        "runbook_tag_sets": tag_sets,
        "tag": tag,
        "may_edit": allows_on(request.actor, row, Permission.RunbookEdit),
        "sent": request.POST,
    }
    return show(request, "releases/runbooks/list.html", values, problems)


@require_GET
@page(Permission.RunbookView)
def runbook_page(request: PageRequest, project: str, runbook: str) -> HttpResponse:
    """Show snapshots and runs."""
    row = runbook_of(request, project, runbook)
    snapshots = list(snapshots_of(row)[:_MOST_SNAPSHOTS])
    process = process_of_runbook(row)
    published = next((each for each in snapshots if each.is_published), None)
    published = published or snapshots_of(row).filter(is_published=True).first()
    variable_set = row.project.variable_set
    is_stale = published is not None and (
        published.process_snapshot.version != process.version
        or (
            variable_set is not None and published.variable_snapshot.version != variable_set.version
        )
        or library_is_modified(published)
    )
    part = page_of(request, visible_runs(request).filter(runbook=row))
    names = tenant_names(request.space, [run.tenant_number for run in part])
    values = {
        **runbook_frame(request, row),
        "tags": carried_tags(runbook_tag_sets_of(request.space), row),
        "steps": len(process.steps),
        "snapshots": snapshots,
        "published": published,
        "is_stale": is_stale,
        "page": part,
        "runs": [(run, names.get(run.tenant_number or 0, "")) for run in part],
        "may_edit": allows_on(request.actor, row, Permission.RunbookEdit),
        "may_freeze": may_freeze(request, row),
        "may_run": request.grants.allows_anywhere(Permission.RunbookRunCreate),
        "triggers": triggers_running(request, row),
        "may_schedule": allows_on(request.actor, row.project, Permission.TriggerCreate),
    }
    return show(request, "releases/runbooks/runbook.html", values)


@require_POST
@page(Permission.RunbookView)
def runbook_snapshot(request: PageRequest, project: str, runbook: str) -> HttpResponse:
    """Freeze the runbook as it is now, and publish it if that is wished."""
    row = runbook_of(request, project, runbook)
    made, problems = attempt(
        lambda: create_runbook_snapshot(
            actor=request.actor,
            runbook=row,
            name=request.POST.get("name", ""),
            notes=request.POST.get("notes", ""),
            publish=checked(request, "publish"),
        )
    )
    if made is None:
        messages.error(request, problems.errors[0])
    else:
        done = "published" if made.is_published else "created"
        messages.success(request, f"The snapshot {made.name} was {done}.")
    return go(request, f"projects/{row.project.public_id}/runbooks/{row.public_id}")


@require_POST
@page(Permission.RunbookView)
def runbook_publish(request: PageRequest, project: str, runbook: str) -> HttpResponse:
    """Publish a snapshot that is there."""
    row = runbook_of(request, project, runbook)
    snapshot = find_snapshot(snapshots_of(row), request.POST.get("snapshot", ""))
    if snapshot is None:
        raise NotFound
    publish_runbook_snapshot(actor=request.actor, snapshot=snapshot)
    messages.success(request, f"The snapshot {snapshot.name} is published.")
    return go(request, f"projects/{row.project.public_id}/runbooks/{row.public_id}")


@require_POST
@page(Permission.RunbookEdit)
def runbook_delete(request: PageRequest, project: str, runbook: str) -> HttpResponse:
    """Delete the runbook with its snapshots and runs."""
    row = runbook_of(request, project, runbook)
    path = f"projects/{row.project.public_id}/runbooks"
    return carry_out(
        request,
        lambda: delete_runbook(actor=request.actor, row=row),
        f"The runbook {row.name} was deleted.",
        to=path,
        refused=f"{path}/{row.public_id}",
    )


def runbook_of(request: PageRequest, project: str, text: str) -> Runbook:
    """Return the runbook of the address; raises NotFound."""
    return runbook_in(request, project_of(request, project), text)


def tags_of(stored: Mapping[str, Any]) -> list[str]:
    """Return the canonical names of the tags in the settings of a runbook."""
    return [str(name) for name in stored.get("RunbookTags") or ()]


def carried_tags(tag_sets: Sequence[RunbookTagSet], row: Runbook) -> list[RunbookTag]:
    """Return the tags that the runbook carries, in the order of sets and tags."""
    own = tags_of(row.settings)
    return [tag for tag_set in tag_sets for tag in tag_set.tags if tag.canonical in own]


def known_tag(tag_sets: Sequence[RunbookTagSet], text: str) -> RunbookTag | None:
    """Return the tag of the canonical name, in any case."""
    tags = (tag for tag_set in tag_sets for tag in tag_set.tags)
    return next((tag for tag in tags if tag.canonical.lower() == text.lower()), None)


def may_freeze(request: PageRequest, row: Runbook) -> bool:
    """Whether the reader may freeze, publish and name snapshots."""
    return allows_on(request.actor, row, Permission.RunbookEdit) or allows_on(
        request.actor, row, Permission.RunbookSnapshotCreate
    )


def visible_runs(request: PageRequest) -> "QuerySet[RunbookRun]":
    """Return the runs that the reader may see, newest first."""
    rows = RunbookRun.objects.visible_to(
        request.actor, request.space, Permission.RunbookRunView
    ).filter(environment__in=visible_environments(request))
    return rows.select_related("task", "environment", "snapshot")


def _base(request: PageRequest, row: Runbook) -> str:
    project = f"/app/{request.space.public_id}/projects/Projects-{row.project_id}"
    return f"{project}/runbooks/{row.public_id}"


def runbook_frame(request: PageRequest, row: Runbook) -> dict[str, Any]:
    """Return what the pages below a runbook read: the project's frame and the runbook."""
    frame = project_frame(request, row.project, "Runbooks")
    return {**frame, "runbook": row, "runbook_base": _base(request, row)}

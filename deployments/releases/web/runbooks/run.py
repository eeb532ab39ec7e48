"""Running a runbook: where, which snapshot, the answers to its prompts, with the plan to see."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_GET, require_http_methods

from deployments.access.permissions import Permission
from deployments.access.policy import allows_on
from deployments.access.web.forms import NO_PROBLEMS, attempt, go, show
from deployments.access.web.pages import PageRequest, find, page
from deployments.base.errors import NotFound
from deployments.infrastructure.models import Environment
from deployments.projects.models import Runbook
from deployments.releases.models import RunbookRun, RunbookSnapshot
from deployments.releases.options import DeploymentOptions
from deployments.releases.prompts import Prompt, prompts_for
from deployments.releases.queries import find_snapshot, published_snapshot, snapshots_of
from deployments.releases.services.choices import uses_guided_failure
from deployments.releases.services.planning import plan_of
from deployments.releases.services.runbook_runs import create_runbook_run, why_not_run
from deployments.releases.web.frames import visible_environments
from deployments.releases.web.runbooks.pages import runbook_frame, runbook_of

_MOST_SNAPSHOTS = 50
_ANSWER = "answer:"


@require_http_methods(["GET", "POST"])
@page(Permission.RunbookRunCreate)
def runbook_run(request: PageRequest, project: str, runbook: str) -> HttpResponse:
    """Choose, look at the plan, run."""
    row = runbook_of(request, project, runbook)
    sent = request.POST if request.method == "POST" else request.GET
    snapshot = _snapshot(row, sent.get("snapshot", ""))
    places = [(each, _why_not(request, row, each)) for each in visible_environments(request)]
    wanted = sent.get("environment", "")
    place = next((e for e, why in places if e.public_id == wanted and not why), None)
    problems = NO_PROBLEMS
    prompts: list[Prompt] = []
    planned: Any = ()
    if place is not None and snapshot is not None:
        prompts = prompts_for(snapshot, environment=place.public_id)
        if request.method == "POST":
            options = _options(request, prompts)
            run, problems = attempt(
                lambda: create_runbook_run(
                    actor=request.actor,
                    runbook=row,
                    environment=place,
                    snapshot=snapshot,
                    options=options,
                )
            )
            if run is not None:
                messages.success(request, f"{row.name} was queued in {place.name}.")
                return go(request, f"tasks/ServerTasks-{run.task_id}")
        planned, refused = attempt(lambda: plan_of(snapshot, place, viewer=request.actor))
        problems = problems or refused
    may_edit = allows_on(request.actor, row, Permission.RunbookEdit)
    every = snapshots_of(row) if may_edit else snapshots_of(row).filter(is_published=True)
    values = {
        **runbook_frame(request, row),
        "places": places,
        "place": place,
        "snapshot": snapshot,
        "snapshots": every[:_MOST_SNAPSHOTS],
        "planned": planned or (),
        "prompts": [(each, request.POST.get(f"{_ANSWER}{each.name}")) for each in prompts],
        "asks": _asks(request, snapshot, place),
        "comments": request.POST.get("comments", ""),
    }
    return show(request, "releases/runbooks/run.html", values, problems)


@require_GET
@page(Permission.RunbookRunView)
def run_redirect(request: PageRequest, run: str) -> HttpResponse:
    """Send people to the task that carries the run out."""
    row = find(request, RunbookRun, run, Permission.RunbookRunView)
    return go(request, f"tasks/ServerTasks-{row.task_id}")


def _snapshot(row: Runbook, wanted: str) -> RunbookSnapshot | None:
    if not wanted:
        return published_snapshot(row)
    found = find_snapshot(snapshots_of(row), wanted)
    if found is None:
        raise NotFound
    return found


def _why_not(request: PageRequest, row: Runbook, environment: Environment) -> str:
    allowed = request.grants.allows(
        Permission.RunbookRunCreate,
        project=row.project_id,
        project_group=row.project.group_id,
        environment=environment.pk,
    )
    if not allowed:
        return "You need the permission RunbookRunCreate there."
    return why_not_run(row, environment)


def _asks(
    request: PageRequest, snapshot: RunbookSnapshot | None, place: Environment | None
) -> bool:
    if request.method == "POST":
        return request.POST.get("guided") == "on"
    if snapshot is None or place is None:
        return False
    return uses_guided_failure(snapshot, place, wish=None)


def _options(request: PageRequest, prompts: list[Prompt]) -> DeploymentOptions:
    answers = {
        each.name: text
        for each in prompts
        if (text := request.POST.get(f"{_ANSWER}{each.name}")) is not None
        # A secret that was left empty keeps the value that is stored.
        and (text or not (each.is_sensitive and each.has_value))
    }
    return DeploymentOptions(
        comments=request.POST.get("comments", ""),
        form_values=answers,
        skip_actions=tuple(request.POST.getlist("skip")),
        use_guided_failure=request.POST.get("guided") == "on",
    )

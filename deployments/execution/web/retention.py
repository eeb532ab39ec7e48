"""Administration: what retention keeps and deletes, and why, before it does."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods, require_POST

from deployments.access.permissions import Permission
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, go, show
from deployments.access.web.pages import PageRequest, find, page
from deployments.base.clock import utc_now
from deployments.base.errors import Invalid
from deployments.base.numbers import whole_number
from deployments.execution.services.retention.asking import (
    DRY_RUN,
    EVERY,
    last_pass,
    request_retention,
)
from deployments.execution.web.package_retention import PATH, judged_on_page, package_form
from deployments.execution.web.retention_tabs import tabs
from deployments.library.tenancy import tenant_words
from deployments.projects.models import Project
from deployments.projects.queries import runbooks_of
from deployments.projects.retention import RetentionPolicy
from deployments.projects.services.retention_defaults import (
    RELEASES,
    RUNS,
    TARGETS,
    retention_defaults,
    save_retention_defaults,
)
from deployments.releases.models import RunbookRun
from deployments.releases.retention.facts import judged
from deployments.releases.retention.run_facts import judged_runs
from deployments.releases.retention.run_rule import RunVerdict

_KINDS: Final = ((RELEASES, "Releases"), (TARGETS, "Files on targets"), (RUNS, "Runs of runbooks"))
_CHOICES: Final = (
    ("forever", "Keep everything"),
    ("items", "A number of them"),
    ("days", "A number of days"),
)
_MOST_DIGITS: Final = 6


@require_http_methods(["GET", "POST"])
@page(Permission.RetentionAdminister)
def retention_page(request: PageRequest) -> HttpResponse:
    """Show the defaults of the space and what would become of a project's releases or runs."""
    if request.method == "GET":
        stored = retention_defaults(request.space)
        return _page(request, {kind: _form(policy) for kind, policy in stored.items()})
    sent = {
        kind: (request.POST.get(f"{kind}-keep", ""), request.POST.get(f"{kind}-quantity", ""))
        for kind, _ in _KINDS
    }
    saved, problems = attempt(
        lambda: save_retention_defaults(
            actor=request.actor,
            space=request.space,
            policies={kind: _document(*fields) for kind, fields in sent.items()},
        )
    )
    if saved is None:
        return _page(request, sent, problems)
    messages.success(request, "The defaults were saved.")
    return go(request, PATH)


@require_POST
@page(Permission.RetentionAdminister)
def retention_run(request: PageRequest) -> HttpResponse:
    """Queue a pass, or a dry run of one, and show its task."""
    arguments = {DRY_RUN: True} if request.POST.get("do") == "dry" else {}
    task, problems = attempt(
        lambda: request_retention(actor=request.actor, space=request.space, arguments=arguments)
    )
    if task is None:
        messages.error(request, problems.errors[0])
        return go(request, PATH)
    return go(request, f"tasks/{task.public_id}")


def _page(
    request: PageRequest,
    sent: dict[str, tuple[str, str]],
    problems: Problems = NO_PROBLEMS,
) -> HttpResponse:
    last = last_pass(request.space)
    projects = Project.objects.visible_to(request.actor, request.space, Permission.ProjectView)
    values: dict[str, Any] = {
        "kinds": [
            (kind, label, *sent[kind], problems.fields.get(kind, "")) for kind, label in _KINDS
        ],
        "choices": _CHOICES,
        "last": last,
        "next": (last.queued + EVERY if last else utc_now() + timedelta(minutes=5)),
        "projects": projects.only("name", "slug", "space"),
        "chosen": None,
        **package_form(request),
    }
    if request.GET.get("of") == "packages":
        values |= judged_on_page(request, request.space)
    elif request.GET.get("project"):
        chosen = find(request, Project, request.GET["project"], Permission.ProjectView)
        judge = _judged_runs if request.GET.get("of") == "runs" else _judged
        values |= judge(request, chosen)
    return show(request, "execution/retention.html", values, problems)


def _judged(request: PageRequest, project: Project) -> dict[str, Any]:
    default = retention_defaults(request.space)[RELEASES]
    verdicts = list(judged(project, default=default, now=utc_now()))
    return {"chosen": project, **tabs(request, verdicts, "releases")}


def _judged_runs(request: PageRequest, project: Project) -> dict[str, Any]:
    default, now = retention_defaults(request.space)[RUNS], utc_now()
    verdicts = []
    names: dict[int, str] = {}
    for runbook in runbooks_of(project):
        found = list(judged_runs(runbook, default=default, now=now))
        names |= dict.fromkeys((each.candidate.number for each in found), runbook.name)
        verdicts += found
    values = {"chosen": project, **tabs(request, verdicts, "runs")}
    values["runs"] = _run_rows(request, values["page"], names)
    return values


def _run_rows(
    request: PageRequest, verdicts: Iterable[RunVerdict], names: dict[int, str]
) -> list[tuple[RunVerdict, str, RunbookRun | None]]:
    """Return the runs of the page with the names of their runbooks; three queries."""
    shown = list(verdicts)
    rows = RunbookRun.objects.in_space(request.space).select_related("environment")
    stored = rows.in_bulk([each.candidate.number for each in shown])
    whom = sorted({each.candidate.tenant for each in shown} - {0})
    tenants = dict(zip(whom, tenant_words(request.space, whom), strict=True))
    found = []
    for each in shown:
        run = stored.get(each.candidate.number)
        where = run.environment.name if run else ""
        tenant = tenants.get(each.candidate.tenant)
        place = f"{where} for {tenant}" if tenant else where
        found.append((each, f"{names[each.candidate.number]} in {place}", run))
    return found


def _form(policy: RetentionPolicy) -> tuple[str, str]:
    if policy.keeps_everything:
        return "forever", ""
    return policy.unit.lower(), str(policy.quantity)


def _document(keep: str, quantity: str) -> dict[str, Any]:
    """Return the policy that a form says, in the wire's shape."""
    if keep == "forever":
        return {"Strategy": "Forever"}
    if keep not in {"items", "days"}:
        raise Invalid("Choose what is kept.")
    number = whole_number(quantity.strip(), _MOST_DIGITS)
    return {
        "Strategy": "Count",
        "Unit": keep.capitalize(),
        "QuantityToKeep": -1 if number is None else number,
    }

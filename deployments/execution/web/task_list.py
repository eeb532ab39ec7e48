"""The list of tasks: what runs and waits on top, then what has ended."""

from datetime import timedelta
from typing import Any

from django.db.models import Count, Max, QuerySet
from django.http import HttpResponse
from django.views.decorators.http import require_GET

from deployments.access.permissions import Permission
from deployments.access.web.forms import choices_of, filters_of, page_of, show
from deployments.access.web.pages import PageRequest, page
from deployments.base import public_ids
from deployments.base.clock import utc_now
from deployments.execution.web.task_rows import rows_of
from deployments.infrastructure.models import Environment
from deployments.infrastructure.queries import find_environment
from deployments.projects.models import Project, ProjectGroup
from deployments.projects.queries import find_project
from deployments.server_tasks.kinds import all_kinds, find_kind
from deployments.server_tasks.models import ServerNode, ServerTask
from deployments.server_tasks.queries import in_states, totals_by_state
from deployments.server_tasks.states import ACTIVE, FINISHED
from tenants.models import Tenant
from tenants.queries import find_tenant, tenant_numbers_with_tags, tenant_tag_sets

STATES = (
    ("Queued", "Queued"),
    ("Executing", "Running"),
    ("Cancelling", "Cancelling"),
    ("Success", "Succeeded"),
    ("Failed", "Failed"),
    ("Canceled", "Canceled"),
    ("TimedOut", "Timed out"),
)
# Name in the address -> label and how long ago a task may have been queued.
_AGES = {
    "1h": ("Last hour", timedelta(hours=1)),
    "1d": ("Last day", timedelta(days=1)),
    "7d": ("Last 7 days", timedelta(days=7)),
    "30d": ("Last 30 days", timedelta(days=30)),
}
_FILTERS = (
    *(
        "q",
        "state",
        "group",
        "project",
        "environment",
        "tenant",
        "tag",
        "node",
        "kind",
        "by",
        "age",
    ),
)
_MOST_ACTIVE = 200


@require_GET
@page(Permission.TaskView)
def task_list(request: PageRequest) -> HttpResponse:
    """List the tasks; each filter is a part of the address."""
    every = ServerTask.objects.visible_to(request.actor, request.space, Permission.TaskView)
    among = _filtered(request, every)
    totals = totals_by_state(among)
    rows = _in_state(request, among)
    ended = page_of(
        request,
        rows.filter(state__in=FINISHED).order_by("-id"),
        count=_ended(request.GET.get("state", ""), totals),
    )
    active = rows.filter(state__in=ACTIVE).order_by("-started", "-priority", "id")
    shown = list(active[:_MOST_ACTIVE]) if ended.number == 1 else []
    found = rows_of(request.actor, request.space, [*shown, *ended.object_list])
    values = {
        "page": ended,
        "active": found[: len(shown)],
        "ended": found[len(shown) :],
        "tabs": _tabs(totals),
        "filters": filters_of(request),
        "is_filtered": is_filtered(request),
        "now": utc_now(),
    }
    if request.headers.get("HX-Target") == "task-rows":
        return show(request, "execution/_task_rows.html", values)
    values |= _choices(request)
    values["tag_sets"] = tenant_tag_sets(request.space) if values["tenants"] else ()
    values["marked"] = [tag.lower() for tag in _tags(request)]
    if values["is_filtered"]:
        values |= cancelable(request).aggregate(cancelable=Count("pk"), newest=Max("pk"))
    values["nodes"] = ServerNode.objects.values_list("name", flat=True)
    values["ages"] = [(name, label) for name, (label, _) in _AGES.items()]
    return show(request, "execution/tasks.html", values)


def is_filtered(request: PageRequest) -> bool:
    """Whether the list is not that of all tasks."""
    return any(request.GET.get(name) for name in _FILTERS)


def cancelable(request: PageRequest) -> QuerySet[ServerTask]:
    """Return the tasks of the filtered list that the actor may cancel and nobody has."""
    who = (request.actor, request.space)
    mine = ServerTask.objects.visible_to(*who, Permission.TaskCancel)
    seen = mine & ServerTask.objects.visible_to(*who, Permission.TaskView)
    rows = _in_state(request, _filtered(request, seen))
    return rows.exclude(state__in=FINISHED).filter(cancel_requests=0)


def _choices(request: PageRequest) -> dict[str, Any]:
    """Return what can be chosen in the filters."""
    who = (request.actor, request.space)
    groups = ProjectGroup.objects.visible_to(*who, Permission.ProjectGroupView)
    environments = Environment.objects.visible_to(*who, Permission.EnvironmentView)
    return {
        "projects": choices_of(Project.objects.visible_to(*who, Permission.ProjectView)),
        "environments": choices_of(environments),
        "tenants": choices_of(Tenant.objects.visible_to(*who, Permission.TenantView)),
        "groups": choices_of(groups),
        "kinds": [(kind.name, kind.label) for kind in all_kinds()],
    }


def _tabs(totals: dict[str, int]) -> list[dict[str, Any]]:
    """Return the tabs: all, what waits for people, then each state that occurs."""
    counted = sum(totals[name] for name, _ in STATES)
    tabs = [{"state": "", "label": "All tasks", "count": counted}]
    if totals["Interrupted"]:
        waiting = totals["Interrupted"]
        tabs.append({"state": "Interrupted", "label": "Waiting for a person", "count": waiting})
    return tabs + [
        {"state": name, "label": label, "count": totals[name]}
        for name, label in STATES
        if totals[name]
    ]


def _ended(state: str, totals: dict[str, int]) -> int:
    """Return how many tasks of the chosen state have ended."""
    if state == "Interrupted":
        return 0
    return sum(totals[name] for name in FINISHED if state in {"", name} or state not in totals)


def _in_state(request: PageRequest, rows: QuerySet[ServerTask]) -> QuerySet[ServerTask]:
    state = request.GET.get("state", "")
    if state == "Interrupted":
        return rows.filter(has_pending_interruptions=True)
    return in_states(rows, [state]) if state in dict(STATES) else rows


def _filtered(request: PageRequest, rows: QuerySet[ServerTask]) -> QuerySet[ServerTask]:
    text = request.GET.get("q", "").strip()
    if text:
        rows = rows.filter(description__icontains=text[:200])
    if group := request.GET.get("group"):
        number = public_ids.parse(ProjectGroup.id_prefix, group)
        mine = Project.objects.in_space(request.space).filter(group=number or 0)
        rows = rows.filter(project_number__in=mine.values("pk"))
    if project := request.GET.get("project"):
        row = find_project(request.space, project)
        rows = rows.filter(project_number=row.pk if row else 0)
    if environment := request.GET.get("environment"):
        place = find_environment(request.space, environment)
        rows = rows.filter(environment_number=place.pk if place else 0)
    if tenant := request.GET.get("tenant"):
        client = find_tenant(Tenant.objects.in_space(request.space), tenant)
        rows = rows.filter(tenant_number=client.pk if client else 0)
    if tags := _tags(request):
        meant = tenant_numbers_with_tags(request.space, tags)
        rows = rows.filter(tenant_number__in=meant)
    if node := request.GET.get("node"):
        rows = rows.filter(node_name=node[:200])
    if kind := request.GET.get("kind"):
        rows = rows.filter(kind=kind) if find_kind(kind) else rows.none()
    if request.GET.get("by") == "me":
        rows = rows.filter(requested_by=request.actor.public_id)
    _, age = _AGES.get(request.GET.get("age", ""), ("", None))
    return rows.filter(queued__gte=utc_now() - age) if age else rows


def _tags(request: PageRequest) -> list[str]:
    return list(filter(None, request.GET.getlist("tag")))

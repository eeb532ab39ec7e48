"""Everything that was deployed from a project to one environment, the newest first."""

from typing import Any, Final

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpResponse
from django.views.decorators.http import require_GET

from deployments.access.permissions import Permission
from deployments.access.web.forms import page_of, show
from deployments.access.web.pages import PageRequest, find, page
from deployments.infrastructure.models import Environment
from deployments.projects.models import Project
from deployments.projects.settings import extra_document
from deployments.projects.web.rail import project_frame
from deployments.releases.models import Deployment
from deployments.releases.web.frames import may_deploy, project_of
from deployments.server_tasks.states import FINISHED, TaskState
from tenants.models import Tenant

_FAILED: Final = (TaskState.FAILED, TaskState.TIMED_OUT)
_ROWS_OF_A_PAGE: Final = 30


@require_GET
@page(Permission.DeploymentView)
def environment_timeline(request: PageRequest, project: str, environment: str) -> HttpResponse:
    """Show what is there, what one would go back to, and how it came to be so."""
    row = project_of(request, project)
    place = find(request, Environment, environment, Permission.EnvironmentView)
    rows = Deployment.objects.visible_to(request.actor, request.space, Permission.DeploymentView)
    every = rows.filter(project=row, environment=place)
    tenants = _tenants(request, every)
    chosen = next((each for each in tenants if each.public_id == request.GET.get("tenant")), None)
    if chosen is not None:
        every = every.filter(tenant_number=chosen.pk)
    outcome = request.GET.get("outcome", "")
    part = page_of(
        request,
        _with_outcome(every, outcome)
        .select_related("release", "channel", "task")
        .defer("options", "deployed_machines", "release__notes", "release__custom_fields")
        .order_by("-pk"),
        _ROWS_OF_A_PAGE,
    )
    for each in part:
        each.space = each.task.space = request.space
    # Among the deployments of several tenants, or of channels that stand on their own, none is the
    # one that is there.
    is_one_line = not extra_document(row.extra)["DiscreteChannelRelease"]
    alike = every if is_one_line and (chosen or not _has_tenants(every)) else every.none()
    current = alike.order_by("-pk").values_list("release_id", flat=True).first()
    values: dict[str, Any] = {
        **project_frame(request, row, "Overview"),
        "environment": place,
        "others": _others(request, row, place),
        "page": part,
        "current": current,
        "previous": _previous(alike, current),
        "tenants": {each.pk: each for each in tenants},
        "chosen": chosen,
        "outcome": outcome,
        "tabs": (("", "All"), ("succeeded", "Succeeded"), ("failed", "Failed")),
        "may_deploy": may_deploy(request, row, place.pk),
    }
    return show(request, "releases/timeline.html", values)


def _tenants(request: PageRequest, rows: "QuerySet[Deployment]") -> list[Tenant]:
    """Return the tenants that were deployed to, as far as the reader may see them."""
    seen = Tenant.objects.visible_to(request.actor, request.space, Permission.TenantView)
    numbers = rows.filter(tenant_number__isnull=False).order_by().values("tenant_number")
    return list(seen.filter(pk__in=numbers).only("name", "slug", "space").order_by("name"))


def _has_tenants(rows: "QuerySet[Deployment]") -> bool:
    """Tell whether there are deployments for tenants, be it some that the reader may not see."""
    return rows.filter(tenant_number__isnull=False).exists()


def _with_outcome(rows: "QuerySet[Deployment]", outcome: str) -> "QuerySet[Deployment]":
    if outcome == "succeeded":
        return rows.filter(task__state=TaskState.SUCCESS)
    return rows.filter(task__state__in=_FAILED) if outcome == "failed" else rows


def _previous(rows: "QuerySet[Deployment]", current: int | None) -> int | None:
    """Return the newest deployment of another release that succeeded."""
    others = rows.filter(task__state=TaskState.SUCCESS).exclude(release=current)
    return others.order_by("-pk").values_list("pk", flat=True).first()


def _others(request: PageRequest, project: Project, place: Environment) -> list[Environment]:
    """Return the environments that the project was ever deployed to, and this one."""
    rows = Environment.objects.visible_to(request.actor, request.space, Permission.EnvironmentView)
    ended = Deployment.objects.in_space(request.space).filter(
        project=project, environment=OuterRef("pk"), task__state__in=FINISHED
    )
    return list(rows.filter(Exists(ended) | Q(pk=place.pk)))

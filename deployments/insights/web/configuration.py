"""The form that chooses what one's own dashboard shows."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from deployments.access.permissions import Permission
from deployments.access.rules import SIGNED_IN
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, go, show, words
from deployments.access.web.pages import PageRequest, page
from deployments.base.errors import Invalid
from deployments.base.numbers import whole_number
from deployments.infrastructure.models import Environment
from deployments.insights.narrowing import configuration_of
from deployments.insights.services.configuration import ConfigurationInput, configure_dashboard
from deployments.projects.models import Project, ProjectGroup
from tenants.models import Tenant
from tenants.queries import tenant_tag_sets


@require_http_methods(["GET", "POST"])
@page(SIGNED_IN)
def configure(request: PageRequest) -> HttpResponse:
    """Choose groups, projects, environments and tenants; nothing chosen shows all."""
    if request.method == "GET":
        return _form(request, _stored(request))
    sent: dict[str, Any] = {
        "groups": request.POST.getlist("groups"),
        "environments": request.POST.getlist("environments"),
        "tags": request.POST.getlist("tags"),
        "projects": request.POST.get("projects", ""),
        "tenants": request.POST.get("tenants", ""),
        "limit": request.POST.get("limit", "").strip(),
    }
    if request.POST.get("do") == "all":
        sent = {"projects": "", "tenants": "", "limit": ""}

    def save() -> bool:
        limit = whole_number(sent["limit"]) if sent["limit"] else None
        if sent["limit"] and limit is None:
            raise Invalid(fields={"ProjectLimit": [f"'{sent['limit']}' is not a number."]})
        configuration = ConfigurationInput(
            project_groups=sent.get("groups", ()),
            projects=words(sent["projects"]),
            environments=sent.get("environments", ()),
            tenants=words(sent["tenants"]),
            tenant_tags=sent.get("tags", ()),
            project_limit=limit,
        )
        configure_dashboard(actor=request.actor, space=request.space, configuration=configuration)
        return True

    saved, problems = attempt(save)
    if saved is None:
        return _form(request, sent, problems)
    messages.success(request, "Your dashboard was saved.")
    return go(request, "dashboard")


def _stored(request: PageRequest) -> dict[str, Any]:
    row = configuration_of(request.actor, request.space)
    if row is None:
        return {}
    return {
        "groups": [f"{ProjectGroup.id_prefix}-{number}" for number in row.project_groups],
        "environments": [f"{Environment.id_prefix}-{number}" for number in row.environments],
        "tags": row.tenant_tags,
        "projects": _names(request, Project, Permission.ProjectView, row.projects),
        "tenants": _names(request, Tenant, Permission.TenantView, row.tenants),
        "limit": row.project_limit or "",
    }


def _names(
    request: PageRequest,
    model: type[Project] | type[Tenant],
    permission: Permission,
    numbers: list[int],
) -> str:
    rows: Any = model.objects.visible_to(request.actor, request.space, permission)
    return ", ".join(rows.filter(pk__in=numbers).values_list("name", flat=True))


def _form(
    request: PageRequest, chosen: dict[str, Any], problems: Problems = NO_PROBLEMS
) -> HttpResponse:
    who = (request.actor, request.space)
    sees_tenants = request.grants.allows_anywhere(Permission.TenantView)
    values = {
        "chosen": chosen,
        "groups": ProjectGroup.objects.visible_to(*who, Permission.ProjectGroupView),
        "environments": Environment.objects.visible_to(*who, Permission.EnvironmentView),
        "tag_sets": tenant_tag_sets(request.space) if sees_tenants else (),
        "sees_tenants": sees_tenants,
    }
    return show(request, "insights/configure.html", values, problems)

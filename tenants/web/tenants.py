"""Tenants: the list, one of them, its settings."""

from collections import Counter
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Count
from django.http import HttpResponse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from deployments.access.permissions import Permission
from deployments.access.policy import require_on
from deployments.access.web.forms import (
    NO_PROBLEMS,
    Problems,
    attempt,
    carry_out,
    checked,
    choices_of,
    go,
    page_of,
    show,
)
from deployments.access.web.pages import PageRequest, page
from deployments.base import public_ids
from deployments.base.errors import NotFound
from tenants import services
from tenants.models import ProjectConnection, Tenant, TenantLogo
from tenants.queries import tag_names, tags_by_tenant, tenant_numbers_with_tags
from tenants.services.logos import LARGEST, set_logo
from tenants.services.tenants import NO_TENANT
from tenants.web.connections import connection_values
from tenants.web.frames import (
    connected_projects,
    may_create_tenants,
    missing_there,
    tag_sets_of_space,
    tenant_frame,
    tenant_of_page,
    visible_projects,
)

LIST = "tenants"


@require_GET
@page(Permission.TenantView)
def tenant_list(request: PageRequest) -> HttpResponse:
    """List the tenants, filtered by text, tags and project."""
    rows = Tenant.objects.visible_to(request.actor, request.space, Permission.TenantView)
    total = rows.count()
    text, tags = request.GET.get("q", "").strip(), list(filter(None, request.GET.getlist("tag")))
    connected = ProjectConnection.objects.values("project")
    projects = choices_of(visible_projects(request).filter(pk__in=connected))
    wanted = request.GET.get("project", "")
    chosen = wanted if any(wanted == project for project, *_ in projects) else ""
    if text:
        rows = rows.filter(name__icontains=text)
    if tags:
        rows = rows.filter(pk__in=tenant_numbers_with_tags(request.space, tags))
    if chosen:
        links = ProjectConnection.objects.filter(project=public_ids.parse("Projects", chosen))
        rows = rows.filter(pk__in=links.values("tenant"))
    shown = page_of(request, rows)
    numbers = [row.pk for row in shown.object_list]
    carried = tags_by_tenant(numbers)
    missing: Counter[int] = Counter()
    mine = visible_projects(request).filter(tenant_connections__tenant__in=numbers).distinct()
    for (number, _, _), count in missing_there(request, numbers, mine).items():
        missing[number] += count
    counts = dict(
        ProjectConnection.objects.filter(tenant__in=numbers, project__in=visible_projects(request))
        .values_list("tenant")
        .annotate(total=Count("pk"))
        .order_by()
    )
    values = {
        "page": shown,
        "rows": [
            (row, carried[row.pk], counts.get(row.pk, 0), missing[row.pk])
            for row in shown.object_list
        ],
        "total": total,
        "text": text,
        "marked": [tag.lower() for tag in tags],
        "tag_sets": tag_sets_of_space(request),
        "projects": projects,
        "chosen": chosen,
        "may_create": may_create_tenants(request),
    }
    return show(request, "tenants/tenants.html", values)


@require_http_methods(["GET", "POST"])
@page(Permission.TenantCreate)
def tenant_new(request: PageRequest) -> HttpResponse:
    """Create a tenant."""
    request.grants.require(Permission.TenantCreate, tenant=NO_TENANT)
    sent = _sent(request, None)
    values = {"sent": sent, "tag_sets": tag_sets_of_space(request)}
    if request.method == "GET":
        return show(request, "tenants/tenant_new.html", values)
    row, problems = attempt(
        lambda: services.create_tenant(
            actor=request.actor, space=request.space, tenant=_input(sent)
        )
    )
    if row is None:
        return show(request, "tenants/tenant_new.html", values, problems)
    messages.success(request, f"The tenant {row.name} was created. Connect it to projects next.")
    return go(request, f"{LIST}/{row.public_id}")


@require_GET
@page(Permission.TenantView)
def tenant_page(request: PageRequest, tenant: str) -> HttpResponse:
    """Show a tenant with its projects and environments."""
    row = tenant_of_page(request, tenant)
    connections = connected_projects(request, row)
    missing = missing_there(request, [row.pk], [each.project for each in connections])
    shown = [
        replace(
            each,
            missing={
                place: count
                for (_, project, place), count in missing.items()
                if project == each.project.pk
            },
        )
        for each in connections
    ]
    values = {
        **tenant_frame(request, row),
        # What keeps deployments from being made comes first; sorting leaves the others as they are.
        "connections": sorted(shown, key=lambda each: not each.missing),
        "missing_total": missing.total(),
        **connection_values(request, row),
    }
    return show(request, "tenants/tenant.html", values)


@require_http_methods(["GET", "POST"])
@page(Permission.TenantEdit)
def tenant_edit(request: PageRequest, tenant: str) -> HttpResponse:
    """Change a tenant's name, description and tags."""
    row = tenant_of_page(request, tenant)
    require_on(request.actor, row, Permission.TenantEdit)
    sent = _sent(request, row)
    if request.method == "GET":
        return _settings(request, row, sent)
    _, problems = attempt(
        lambda: services.update_tenant(
            actor=request.actor, row=tenant_of_page(request, tenant), tenant=_input(sent)
        )
    )
    if problems:
        return _settings(request, row, sent, problems)
    messages.success(request, "The tenant was saved.")
    return go(request, f"{LIST}/{row.public_id}")


@require_POST
@page(Permission.TenantCreate)
def tenant_clone(request: PageRequest, tenant: str) -> HttpResponse:
    """Copy a tenant under another name."""
    row = tenant_of_page(request, tenant)
    copy, problems = attempt(
        lambda: services.clone_tenant(
            actor=request.actor, source=row, name=request.POST.get("name", "")
        )
    )
    if copy is None:
        messages.error(request, problems.errors[0])
        return go(request, f"{LIST}/{row.public_id}")
    messages.success(request, f"The tenant {copy.name} was created as a copy of {row.name}.")
    return go(request, f"{LIST}/{copy.public_id}")


@require_POST
@page(Permission.TenantDelete)
def tenant_delete(request: PageRequest, tenant: str) -> HttpResponse:
    """Delete a tenant whose name was typed."""
    row = tenant_of_page(request, tenant)
    path = f"{LIST}/{row.public_id}"
    if request.POST.get("confirm", "").strip() != row.name:
        messages.error(request, f"Nothing was deleted: the text was not “{row.name}”.")
        return go(request, path)
    return carry_out(
        request,
        lambda: services.delete_tenant(actor=request.actor, row=row),
        f"The tenant {row.name} was deleted.",
        to=LIST,
        refused=path,
    )


@require_http_methods(["GET", "POST"])
@page(Permission.TenantView)
def tenant_logo(request: PageRequest, tenant: str) -> HttpResponse:
    """Send the picture, or take a new one; none at all takes it away."""
    row = tenant_of_page(request, tenant)
    if request.method == "GET":
        logo = TenantLogo.objects.filter(tenant=row).first()
        if logo is None:
            raise NotFound
        return HttpResponse(bytes(logo.content), content_type=logo.content_type)
    file = request.FILES.get("file")
    content = file.read(LARGEST + 1) if isinstance(file, UploadedFile) else b""
    return carry_out(
        request,
        lambda: set_logo(actor=request.actor, tenant=row, content=content),
        "The picture was saved." if content else "The picture is gone.",
        to=f"{LIST}/{row.public_id}/settings",
    )


def _settings(
    request: PageRequest, row: Tenant, sent: dict[str, Any], problems: Problems = NO_PROBLEMS
) -> HttpResponse:
    values = {
        **tenant_frame(request, row),
        "sent": sent,
        "tag_sets": tag_sets_of_space(request),
        "largest_logo": LARGEST,
    }
    return show(request, "tenants/tenant_settings.html", values, problems)


def _sent(request: PageRequest, row: Tenant | None) -> dict[str, Any]:
    if request.method == "POST":
        return {
            "name": request.POST.get("name", ""),
            "description": request.POST.get("description", ""),
            "tags": list(filter(None, request.POST.getlist("tags"))),
            "is_disabled": checked(request, "is_disabled"),
        }
    if row is None:
        return {"name": "", "description": "", "tags": [], "is_disabled": False}
    return {
        "name": row.name,
        "description": row.description,
        "tags": list(tag_names(row)),
        "is_disabled": row.is_disabled,
    }


def _input(sent: dict[str, Any]) -> services.TenantInput:
    return services.TenantInput(
        name=sent["name"],
        description=sent["description"],
        tags=sent["tags"],
        is_disabled=sent["is_disabled"],
    )

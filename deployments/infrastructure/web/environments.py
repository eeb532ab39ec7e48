"""Environments: their order, and the form of one."""

from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from deployments.access.permissions import Permission
from deployments.access.policy import allows_on
from deployments.access.web.forms import attempt, carry_out, checked, go, show
from deployments.access.web.pages import PageRequest, find, page
from deployments.infrastructure.models import Environment
from deployments.infrastructure.services import environments as services

LIST = "infrastructure/environments"


@require_GET
@page(Permission.EnvironmentView)
def environment_list(request: PageRequest) -> HttpResponse:
    """List the environments in their order."""
    rows = Environment.objects.visible_to(
        request.actor, request.space, Permission.EnvironmentView
    ).annotate(targets=Count("machines"))
    total = Environment.objects.in_space(request.space).count()
    environments = list(rows)
    values = {
        "environments": environments,
        "may_create": request.grants.allows(Permission.EnvironmentCreate),
        # Ordering names every environment, so it needs all of them.
        "may_order": len(environments) == total > 1
        and request.grants.allows(
            Permission.EnvironmentEdit, environment=[row.pk for row in environments]
        ),
    }
    return show(request, "infrastructure/environments.html", values)


@require_http_methods(["GET", "POST"])
@page(Permission.EnvironmentCreate)
def environment_new(request: PageRequest) -> HttpResponse:
    """Create an environment."""
    request.grants.require(Permission.EnvironmentCreate)
    values = _values(request)
    if request.method == "GET":
        return show(request, "infrastructure/environment.html", {"values": values})
    row, problems = attempt(
        lambda: services.create_environment(actor=request.actor, space=request.space, **values)
    )
    if row is None:
        return show(request, "infrastructure/environment.html", {"values": values}, problems)
    messages.success(request, f"The environment {row.name} was created.")
    return go(request, LIST)


@require_http_methods(["GET", "POST"])
@page(Permission.EnvironmentView)
def environment_edit(request: PageRequest, environment: str) -> HttpResponse:
    """Show and change one environment."""
    row = find(request, Environment, environment, Permission.EnvironmentView)
    shown = {
        "environment": row,
        "may_edit": allows_on(request.actor, row, Permission.EnvironmentEdit),
        "may_check": allows_on(request.actor, row, Permission.TaskCreate),
        "may_delete": allows_on(request.actor, row, Permission.EnvironmentDelete),
    }
    if request.method == "GET":
        stored = {
            "name": row.name,
            "description": row.description,
            "use_guided_failure": row.use_guided_failure,
        }
        return show(request, "infrastructure/environment.html", {**shown, "values": stored})
    values = _values(request)
    saved, problems = attempt(
        lambda: services.update_environment(
            actor=request.actor,
            environment=find(request, Environment, environment, Permission.EnvironmentView),
            allow_dynamic_infrastructure=row.allow_dynamic_infrastructure,
            **values,
        )
    )
    if saved is None:
        shown["values"] = values
        return show(request, "infrastructure/environment.html", shown, problems)
    messages.success(request, f"The environment {saved.name} was saved.")
    return go(request, LIST)


@require_POST
@page(Permission.EnvironmentEdit)
def environment_move(request: PageRequest, environment: str) -> HttpResponse:
    """Move an environment one place up or down."""
    row = find(request, Environment, environment, Permission.EnvironmentView)
    order = [each.public_id for each in Environment.objects.in_space(request.space)]
    at = order.index(row.public_id)
    to = at - 1 if request.POST.get("way") == "up" else at + 1
    if 0 <= to < len(order):
        order[at], order[to] = order[to], order[at]
        services.sort_environments(actor=request.actor, space=request.space, ids=order)
    return go(request, f"{LIST}#{row.public_id}")


@require_POST
@page(Permission.EnvironmentDelete)
def environment_delete(request: PageRequest, environment: str) -> HttpResponse:
    """Delete an environment that nothing uses."""
    row = find(request, Environment, environment, Permission.EnvironmentView)
    return carry_out(
        request,
        lambda: services.delete_environment(actor=request.actor, environment=row),
        f"The environment {row.name} was deleted.",
        to=LIST,
        refused=f"{LIST}/{row.public_id}",
    )


def _values(request: PageRequest) -> dict[str, Any]:
    return {
        "name": request.POST.get("name", ""),
        "description": request.POST.get("description", ""),
        "use_guided_failure": checked(request, "use_guided_failure"),
    }

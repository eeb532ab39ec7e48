"""Asking for health checks on the pages of targets, environments, workers and pools."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_POST

from deployments.access.permissions import Permission
from deployments.access.web.forms import attempt, go
from deployments.access.web.pages import PageRequest, find, page
from deployments.infrastructure.models import Environment, Machine, Worker, WorkerPool
from deployments.infrastructure.services.health import request_health_check


@require_POST
@page(Permission.TaskCreate)
def target_check(request: PageRequest, target: str) -> HttpResponse:
    """Check the health of a target."""
    row = find(request, Machine, target, Permission.MachineView)
    back = f"infrastructure/targets/{row.public_id}"
    return _check(request, {"MachineIds": [row.public_id]}, back)


@require_POST
@page(Permission.TaskCreate)
def environment_check(request: PageRequest, environment: str) -> HttpResponse:
    """Check the health of the targets of an environment."""
    row = find(request, Environment, environment, Permission.EnvironmentView)
    back = f"infrastructure/environments/{row.public_id}"
    return _check(request, {"EnvironmentId": row.public_id}, back)


@require_POST
@page(Permission.TaskCreate)
def worker_check(request: PageRequest, worker: str) -> HttpResponse:
    """Check the health of a worker."""
    row = find(request, Worker, worker, Permission.WorkerView)
    return _check(request, {"MachineIds": [row.public_id]}, "infrastructure/workers")


@require_POST
@page(Permission.TaskCreate)
def pool_check(request: PageRequest, pool: str) -> HttpResponse:
    """Check the health of the workers of a pool."""
    row = find(request, WorkerPool, pool, Permission.WorkerView)
    return _check(request, {"WorkerpoolId": row.public_id}, "infrastructure/workers")


def may_check(request: PageRequest, target: Machine) -> bool:
    """Tell whether the reader may ask for a check of the target."""
    rows = Machine.objects.visible_to(request.actor, request.space, Permission.TaskCreate)
    return rows.filter(pk=target.pk).exists()


def _check(request: PageRequest, arguments: dict[str, Any], back: str) -> HttpResponse:
    task, problems = attempt(
        lambda: request_health_check(actor=request.actor, space=request.space, arguments=arguments)
    )
    if task is None:
        messages.error(request, problems.errors[0])
        return go(request, back)
    return go(request, f"tasks/{task.public_id}")

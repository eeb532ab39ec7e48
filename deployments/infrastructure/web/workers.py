"""Workers and the pools that steps choose from."""

from django.contrib import messages
from django.db.models import Prefetch
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods, require_POST

from agent.version import VERSION
from deployments.access.permissions import Permission
from deployments.access.web.forms import attempt, go, show
from deployments.access.web.pages import PageRequest, find, page
from deployments.infrastructure.models import Worker, WorkerPool
from deployments.infrastructure.services import workers as services

LIST = "infrastructure/workers"


@require_http_methods(["GET", "POST"])
@page(Permission.WorkerView)
def worker_list(request: PageRequest) -> HttpResponse:
    """List pools with their workers; create a pool."""
    name = request.POST.get("name", "")
    problems = None
    if request.method == "POST":
        pool, problems = attempt(
            lambda: services.create_worker_pool(actor=request.actor, space=request.space, name=name)
        )
        if pool is not None:
            messages.success(request, f"The worker pool {pool.name} was created.")
            return go(request, LIST)
    workers = Worker.objects.in_space(request.space).select_related("agent__upgrade")
    pools = WorkerPool.objects.in_space(request.space).prefetch_related(
        Prefetch("workers", queryset=workers)
    )
    values = {
        "pools": pools,
        "name": name,
        "may_check": request.grants.allows(Permission.TaskCreate),
        "may_view_tasks": request.grants.allows_anywhere(Permission.TaskView),
        "server_version": VERSION,
        "may_edit": request.grants.allows(Permission.WorkerEdit),
    }
    return show(request, "infrastructure/workers.html", values, *([problems] if problems else []))


@require_POST
@page(Permission.WorkerEdit)
def worker_switch(request: PageRequest, worker: str) -> HttpResponse:
    """Disable a worker, or enable it again."""
    row = find(request, Worker, worker, Permission.WorkerView)
    off = request.POST.get("to") == "disabled"
    services.update_worker(
        actor=request.actor,
        row=row,
        worker=services.WorkerInput(
            name=row.name,
            pools=list(row.pools.in_space(request.space)),
            is_disabled=off,
        ),
    )
    messages.success(request, f"The worker {row.name} was {'disabled' if off else 'enabled'}.")
    return go(request, LIST)


@require_POST
@page(Permission.WorkerEdit)
def worker_delete(request: PageRequest, worker: str) -> HttpResponse:
    """Delete a worker."""
    row = find(request, Worker, worker, Permission.WorkerView)
    name = row.name
    services.delete_worker(actor=request.actor, row=row)
    messages.success(request, f"The worker {name} was deleted. Its agent can no longer connect.")
    return go(request, LIST)


@require_POST
@page(Permission.WorkerEdit)
def pool_delete(request: PageRequest, pool: str) -> HttpResponse:
    """Delete an empty pool."""
    row = find(request, WorkerPool, pool, Permission.WorkerView)
    name = row.name
    _, problems = attempt(lambda: services.delete_worker_pool(actor=request.actor, pool=row))
    if problems:
        messages.error(request, problems.errors[0])
    else:
        messages.success(request, f"The worker pool {name} was deleted.")
    return go(request, LIST)

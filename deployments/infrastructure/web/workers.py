"""Workers and the pools that steps choose from."""

from typing import Any

from django.contrib import messages
from django.db.models import Prefetch
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods, require_POST

from agent.version import VERSION
from deployments.access.permissions import Permission
from deployments.access.web.forms import (
    NO_PROBLEMS,
    Problems,
    attempt,
    carry_out,
    checked,
    go,
    show,
)
from deployments.access.web.pages import PageRequest, find, page
from deployments.base.clock import utc_now
from deployments.infrastructure.models import AgentSession, Worker, WorkerPool
from deployments.infrastructure.services import workers as services
from deployments.infrastructure.services.upgrades import why_not
from deployments.infrastructure.web.policies import chosen_policy, policies_to_choose
from deployments.infrastructure.web.upgrades import may_cancel

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


@require_http_methods(["GET", "POST"])
@page(Permission.WorkerView)
def worker_page(request: PageRequest, worker: str) -> HttpResponse:
    """Show a worker; change its name and pools."""
    row = find(request, Worker, worker, Permission.WorkerView)
    placed = [pool.public_id for pool in row.pools.in_space(request.space)]
    used = row.policy.public_id
    if request.method == "GET":
        return _worker(request, row, {"name": row.name, "pools": placed, "policy": used})
    sent = {
        "name": request.POST.get("name", ""),
        "pools": request.POST.getlist("pools"),
        "policy": request.POST.get("policy", used),
    }
    every = WorkerPool.objects.in_space(request.space)
    saved, problems = attempt(
        lambda: services.update_worker(
            actor=request.actor,
            row=find(request, Worker, worker, Permission.WorkerView),
            worker=services.WorkerInput(
                name=str(sent["name"]),
                pools=[pool for pool in every if pool.public_id in sent["pools"]],
                policy=chosen_policy(request),
                is_disabled=row.is_disabled,
            ),
        )
    )
    if saved is None:
        return _worker(request, row, sent, problems)
    messages.success(request, f"The worker {saved.name} was saved.")
    return go(request, f"{LIST}/{saved.public_id}")


@require_http_methods(["GET", "POST"])
@page(Permission.WorkerEdit)
def pool_page(request: PageRequest, pool: str) -> HttpResponse:
    """Change the name and description of a pool, or make it the default."""
    row = find(request, WorkerPool, pool, Permission.WorkerView)
    values = {"name": row.name, "description": row.description, "is_default": row.is_default}
    if request.method == "GET":
        return show(request, "infrastructure/pool.html", {"pool": row, "values": values})
    values = {
        "name": request.POST.get("name", ""),
        "description": request.POST.get("description", ""),
        "is_default": checked(request, "is_default"),
    }
    saved, problems = attempt(
        lambda: services.update_worker_pool(
            actor=request.actor,
            pool=find(request, WorkerPool, pool, Permission.WorkerView),
            name=str(values["name"]),
            description=str(values["description"]),
            is_default=bool(values["is_default"]),
        )
    )
    if saved is None:
        return show(request, "infrastructure/pool.html", {"pool": row, "values": values}, problems)
    messages.success(request, f"The worker pool {saved.name} was saved.")
    return go(request, LIST)


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
    """Delete an empty pool that nothing names."""
    row = find(request, WorkerPool, pool, Permission.WorkerView)
    return carry_out(
        request,
        lambda: services.delete_worker_pool(actor=request.actor, pool=row),
        f"The worker pool {row.name} was deleted.",
        to=LIST,
    )


def _worker(
    request: PageRequest, row: Worker, values: dict[str, Any], problems: Problems = NO_PROBLEMS
) -> HttpResponse:
    session = AgentSession.objects.filter(agent=row.agent_id).first() if row.agent_id else None
    is_connected = bool(session and session.connected and not session.disconnected)
    may_edit = request.grants.allows(Permission.WorkerEdit)
    shown = {
        "worker": row,
        "agent": row.agent,
        "session": session,
        "is_connected": is_connected,
        "server_version": VERSION,
        "may_upgrade": may_edit and is_connected and not why_not(row, utc_now()),
        "may_cancel": may_edit and may_cancel(row),
        "policies": policies_to_choose(request),
        "placed": row.pools.in_space(request.space),
        "pools": WorkerPool.objects.in_space(request.space),
        "values": values,
        "may_edit": may_edit,
        "may_check": request.grants.allows(Permission.TaskCreate),
        "may_view_tasks": request.grants.allows_anywhere(Permission.TaskView),
    }
    return show(request, "infrastructure/worker.html", shown, problems)

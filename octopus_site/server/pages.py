"""Administration, Server: maintenance, nodes, facts, licences, logs and the system report."""

from datetime import datetime
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_GET, require_POST

from deployments.access.permissions import Permission
from deployments.access.services.maintenance import maintenance, set_maintenance
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, go, show
from deployments.access.web.pages import PageRequest, page
from deployments.base import public_ids
from deployments.base.clock import utc_now
from deployments.base.numbers import whole_number
from deployments.server_tasks.models import ServerNode
from deployments.server_tasks.queries import is_offline, running_on_nodes
from deployments.server_tasks.services import (
    default_task_cap,
    delete_node,
    set_default_task_cap,
    update_node,
)
from octopus_site.backup.writing import last_backup
from octopus_site.packages.verification import last_verification
from octopus_site.server.information import information
from octopus_site.server.licences import licences
from octopus_site.server.own_logs import own_logs, tail_of
from octopus_site.server.report import system_report

SERVER: Final = "administration/server"
_MOST_LINES: Final = 1000


@require_GET
@page(Permission.ConfigureServer)
def server_page(request: PageRequest) -> HttpResponse:
    """Show the server."""
    return _server(request)


@require_POST
@page(Permission.AdministerSystem)
def maintenance_switch(request: PageRequest) -> HttpResponse:
    """Begin or end maintenance mode."""
    is_on, reason = request.POST.get("to") == "on", request.POST.get("reason", "")
    _, problems = attempt(lambda: set_maintenance(actor=request.actor, is_on=is_on, reason=reason))
    if problems:
        return _server(request, problems, reason=reason)
    if is_on:
        messages.success(request, "Maintenance mode is on. Only administrators may change things.")
    else:
        messages.success(request, "Maintenance mode is off. Everybody may work again.")
    return go(request, SERVER)


@require_POST
@page(Permission.ConfigureServer)
def node_change(request: PageRequest, node: str) -> HttpResponse:
    """Set a node's task cap, drain it, let it take tasks again, or forget it."""
    row = ServerNode.objects.filter(pk=public_ids.parse("OctopusServerNodes", node) or 0).first()
    if row is None:
        raise Http404
    act = request.POST.get("do", "")
    if act == "delete":
        _, problems = attempt(lambda: delete_node(actor=request.actor, node=row))
        said = f"The node {row.name} was deleted."
    else:
        draining = {"drain": True, "resume": False}.get(act, row.is_draining)
        sent = whole_number(request.POST.get("task_cap", "")) or 0
        cap = sent if act == "cap" else row.task_cap
        _, problems = attempt(
            lambda: update_node(actor=request.actor, node=row, task_cap=cap, is_draining=draining)
        )
        said = _words(act, row.name)
    if problems:
        return _server(request, problems)
    messages.success(request, said)
    return go(request, SERVER)


@require_POST
@page(Permission.ConfigureServer)
def default_cap(request: PageRequest) -> HttpResponse:
    """Say how many tasks at a time new nodes run."""
    sent = whole_number(request.POST.get("default_cap", "")) or 0
    _, problems = attempt(lambda: set_default_task_cap(actor=request.actor, task_cap=sent))
    if problems:
        return _server(request, problems)
    messages.success(request, f"A new node runs at most {sent} tasks at a time.")
    return go(request, SERVER)


@require_GET
@page(Permission.ConfigureServer)
def licences_page(request: PageRequest) -> HttpResponse:
    """List what the server is made of."""
    request.grants.require_system(Permission.ConfigureServer)
    text = request.GET.get("q", "").strip()
    rows = [
        each
        for each in licences()
        if text.lower() in each.name.lower() or text.lower() in each.licence.lower()
    ]
    return show(request, "server/licences.html", {"rows": rows, "text": text})


@require_GET
@page(Permission.AdministerSystem)
def log_page(request: PageRequest) -> HttpResponse:
    """Show the end of the log of one of the server's processes."""
    request.grants.require_system(Permission.AdministerSystem)
    logs = own_logs()
    chosen = request.GET.get("log", logs[0].name if logs else "")
    text = request.GET.get("q", "").strip()
    lines = tail_of(chosen) if chosen else []
    found = [line for line in lines if text.lower() in line.lower()]
    values = {
        "logs": logs,
        "chosen": chosen,
        "text": text,
        "lines": found[-_MOST_LINES:],
        "left_out": max(0, len(found) - _MOST_LINES),
    }
    return show(request, "server/log.html", values)


@require_GET
@page(Permission.AdministerSystem)
def report_download(request: PageRequest) -> HttpResponse:
    """Give the system report."""
    content = system_report(actor=request.actor)
    name = f"system-report-{utc_now():%Y-%m-%d-%H%M}.zip"
    return HttpResponse(
        content,
        content_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _server(
    request: PageRequest, problems: Problems = NO_PROBLEMS, reason: str = ""
) -> HttpResponse:
    request.grants.require_system(Permission.ConfigureServer)
    state, backup, verified = maintenance(), last_backup(), last_verification()
    values = {
        "state": state,
        "since": datetime.fromisoformat(state.since) if state else None,
        "reason": reason or (state.reason if state else ""),
        "nodes": _nodes(),
        "default_cap": request.POST.get("default_cap", default_task_cap()),
        "facts": information(),
        "backup": backup,
        "verified": verified,
        "verified_when": datetime.fromisoformat(verified.ended) if verified else None,
        "backup_made": datetime.fromisoformat(backup.when) if backup else None,
        "may_administer": request.grants.allows_system(Permission.AdministerSystem),
    }
    return show(request, "server/server.html", values, problems)


def _nodes() -> list[dict[str, Any]]:
    running, now = running_on_nodes(), utc_now()
    return [
        {"row": row, "running": running.get(row.name, 0), "is_offline": is_offline(row, now)}
        for row in ServerNode.objects.all()
    ]


def _words(act: str, name: str) -> str:
    words = {
        "drain": f"{name} takes no new tasks. What runs there goes on to its end.",
        "resume": f"{name} takes tasks again.",
    }
    return words.get(act, f"The task cap of {name} was saved.")


urlpatterns: list[URLPattern] = [
    path(SERVER, server_page),
    path(f"{SERVER}/maintenance", maintenance_switch),
    path(f"{SERVER}/default-cap", default_cap),
    path(f"{SERVER}/nodes/<str:node>", node_change),
    path(f"{SERVER}/licences", licences_page),
    path(f"{SERVER}/log", log_page),
    path(f"{SERVER}/report", report_download),
]

"""Upgrading agents, and canceling it: of one target or worker, or of all that one may change."""

from collections.abc import Sequence

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.views.decorators.http import require_POST

from agent.version import VERSION
from deployments.access.permissions import Permission
from deployments.access.web.forms import attempt, go
from deployments.access.web.pages import PageRequest, find, page
from deployments.base.clock import utc_now
from deployments.infrastructure.models import Machine, Worker
from deployments.infrastructure.services.upgrade_progress import cancel_upgrades
from deployments.infrastructure.services.upgrades import (
    CANCELABLE,
    request_upgrades,
    upgradable,
    upgrade_of,
)

_TARGETS = "infrastructure/targets"
_WORKERS = "infrastructure/workers"


@require_POST
@page(Permission.MachineEdit)
def target_upgrade(request: PageRequest, target: str) -> HttpResponse:
    """Ask the agent of a target to upgrade."""
    row = find(request, Machine, target, Permission.MachineView)
    _ask(request, row)
    return go(request, f"{_TARGETS}/{row.public_id}")


@require_POST
@page(Permission.WorkerEdit)
def worker_upgrade(request: PageRequest, worker: str) -> HttpResponse:
    """Ask the agent of a worker to upgrade."""
    row = find(request, Worker, worker, Permission.WorkerView)
    _ask(request, row)
    return go(request, f"{_WORKERS}/{row.public_id}")


@require_POST
@page(Permission.MachineEdit)
def targets_upgrade(request: PageRequest) -> HttpResponse:
    """Ask every connected agent to upgrade that has another version; one goes first."""
    rows = upgradable_targets(request)
    if not rows:
        messages.error(request, "No connected agent has another version.")
        return go(request, _TARGETS)
    made, problems = attempt(lambda: request_upgrades(actor=request.actor, rows=rows))
    if made is None:
        messages.error(request, problems.errors[0])
    elif len(made) == 1:
        messages.success(request, f"The agent of {rows[0].name} was asked to upgrade.")
    else:
        text = f"{len(made)} agents are upgraded: {rows[0].name} goes first, then the others."
        messages.success(request, text)
    return go(request, _TARGETS)


@require_POST
@page(Permission.MachineEdit)
def target_cancel(request: PageRequest, target: str) -> HttpResponse:
    """Cancel the upgrade that the agent of a target has not begun."""
    row = find(request, Machine, target, Permission.MachineView)
    _cancel(request, [row])
    return go(request, f"{_TARGETS}/{row.public_id}")


@require_POST
@page(Permission.WorkerEdit)
def worker_cancel(request: PageRequest, worker: str) -> HttpResponse:
    """Cancel the upgrade that the agent of a worker has not begun."""
    row = find(request, Worker, worker, Permission.WorkerView)
    _cancel(request, [row])
    return go(request, f"{_WORKERS}/{row.public_id}")


@require_POST
@page(Permission.MachineEdit)
def targets_cancel(request: PageRequest) -> HttpResponse:
    """Cancel every upgrade of a target's agent that has not begun."""
    _cancel(request, list(cancelable_targets(request)))
    return go(request, _TARGETS)


def may_cancel(row: Machine | Worker) -> bool:
    """Tell whether the upgrade of an agent has not begun."""
    upgrade = upgrade_of(row)
    return upgrade is not None and upgrade.stage in CANCELABLE


def cancelable_targets(request: PageRequest) -> "QuerySet[Machine]":
    """Return the targets that the actor may change and whose upgrades have not begun."""
    rows = Machine.objects.visible_to(request.actor, request.space, Permission.MachineEdit)
    open_rows = rows.filter(agent__upgrade__stage__in=CANCELABLE)
    return open_rows.select_related("agent__upgrade").order_by("name", "pk")


def upgradable_targets(request: PageRequest) -> list[Machine]:
    """Return the targets that the actor may change and whose agents can be asked."""
    rows = Machine.objects.visible_to(request.actor, request.space, Permission.MachineEdit)
    others = rows.exclude(agent=None).exclude(agent__version=VERSION)
    related = ("agent__upgrade", "agent__session")
    return upgradable(others.select_related(*related).order_by("name", "pk"), utc_now())


def _cancel(request: PageRequest, rows: Sequence[Machine | Worker]) -> None:
    count, problems = attempt(lambda: cancel_upgrades(actor=request.actor, rows=rows))
    if count is None:
        messages.error(request, problems.errors[0])
    else:
        messages.success(request, f"{count} upgrade{'s' if count > 1 else ''} canceled.")


def _ask(request: PageRequest, row: Machine | Worker) -> None:
    made, problems = attempt(lambda: request_upgrades(actor=request.actor, rows=[row]))
    if made is None:
        messages.error(request, problems.errors[0])
    else:
        version = made[0].version
        messages.success(request, f"The agent of {row.name} was asked to upgrade to {version}.")

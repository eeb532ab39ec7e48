"""Deployment targets: the list, and the page of one."""

from collections import Counter
from collections.abc import Collection
from typing import Any

from django.contrib import messages
from django.db.models import Prefetch, QuerySet
from django.http import HttpResponse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from agent.version import VERSION
from deployments.access.permissions import Permission
from deployments.access.policy import allows_on
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, go, page_of, show, words
from deployments.access.web.pages import PageRequest, find, page
from deployments.audit.queries import about, events_visible_to
from deployments.base.clock import utc_now
from deployments.infrastructure.models import AgentSession, Environment, Machine
from deployments.infrastructure.queries import tenant_numbers_of_machines, visible_roles
from deployments.infrastructure.services import machines as services
from deployments.infrastructure.services.upgrades import upgrade_of, why_not
from deployments.infrastructure.web.health import may_check
from deployments.infrastructure.web.policies import chosen_policy, policies_to_choose
from deployments.infrastructure.web.upgrades import (
    cancelable_targets,
    may_cancel,
    upgradable_targets,
)
from deployments.library.tenancy import Tenancy, tenant_words

LIST = "infrastructure/targets"
HEALTHS = (
    ("Healthy", "Healthy", "ok"),
    ("HasWarnings", "Has warnings", "warn"),
    ("Unhealthy", "Unhealthy", "bad"),
    ("Unavailable", "Not connected", "offline"),
    ("Unknown", "Never connected", "queued"),
    ("Disabled", "Disabled", "canceled"),
)
FILTERS = ("q", "environment", "role", "health")
_RECENT = 10
_TENANCY = ("participation", "tenants", "tenant_tags")


@require_GET
@page(Permission.MachineView)
def infrastructure_home(request: PageRequest) -> HttpResponse:
    """Send people to the targets."""
    return go(request, LIST)


@require_GET
@page(Permission.MachineView)
def target_list(request: PageRequest) -> HttpResponse:
    """List the targets, filtered by text, environment, tag and health."""
    every = Machine.objects.visible_to(request.actor, request.space, Permission.MachineView)
    facts = list(every.values_list("pk", "health_status", "is_disabled", "roles"))
    healths = Counter("Disabled" if off else health for _, health, off, _ in facts)
    environments = list(_environments(request, Permission.EnvironmentView))
    rows = _filtered(request, every, facts, environments)
    shown = page_of(request, rows)
    values = {
        "page": shown,
        "total": len(facts),
        "healths": HEALTHS,
        "tally": [
            (icon, healths[name], label.lower()) for name, label, icon in HEALTHS if healths[name]
        ],
        "environments": environments,
        "roles": sorted({str(role) for *_, roles in facts for role in roles}, key=str.lower),
        "filters": request.GET,
        "is_filtered": any(request.GET.get(name) for name in FILTERS),
        "may_create": request.grants.allows_anywhere(Permission.MachineCreate),
        "upgradable": len(upgradable_targets(request)),
        "cancelable": cancelable_targets(request).count(),
        "server_version": VERSION,
    }
    return show(request, "infrastructure/targets.html", values)


@require_http_methods(["GET", "POST"])
@page(Permission.MachineView)
def target_page(request: PageRequest, target: str) -> HttpResponse:
    """Show a target; change its name, environments and tags."""
    row = find(request, Machine, target, Permission.MachineView)
    placed = [e.public_id for e in _placed(row)]
    served = tenant_numbers_of_machines([row])[row.pk]
    stored: dict[str, Any] = {
        "name": row.name,
        "roles": ", ".join(row.roles),
        "environments": placed,
        "policy": row.policy.public_id,
        "participation": row.tenanted_participation,
        "tenants": ", ".join(tenant_words(request.space, served)),
        "tenant_tags": ", ".join(row.tenant_tags),
    }
    if request.method == "GET":
        return _page(request, row, stored)
    sent = {
        "name": request.POST.get("name", ""),
        "roles": request.POST.get("roles", ""),
        "environments": request.POST.getlist("environments"),
        **{name: request.POST.get(name, stored[name]) for name in ("policy", *_TENANCY)},
    }
    chosen = _chosen(request, row, sent["environments"])
    saved, problems = attempt(
        lambda: services.update_machine(
            actor=request.actor,
            row=find(request, Machine, target, Permission.MachineView),
            machine=services.MachineInput(
                name=str(sent["name"]),
                environments=chosen,
                roles=words(str(sent["roles"])),
                policy=chosen_policy(request),
                slug=row.slug,
                is_disabled=row.is_disabled,
                tenancy=Tenancy(
                    str(sent["participation"]),
                    words(str(sent["tenants"])),
                    words(str(sent["tenant_tags"])),
                ),
            ),
        )
    )
    if saved is None:
        return _page(request, row, sent, problems)
    messages.success(request, f"The target {saved.name} was saved.")
    return go(request, f"{LIST}/{saved.public_id}")


def _chosen(request: PageRequest, row: Machine, sent: Collection[str]) -> list[Environment]:
    """Return the environments sent and those that stay: the person may not edit in them."""
    offered = {each.pk for each in _environments(request, Permission.MachineEdit)}
    kept = {each.pk for each in _placed(row)} - offered
    return [
        environment
        for environment in Environment.objects.in_space(request.space)
        if environment.public_id in sent or environment.pk in kept
    ]


@require_POST
@page(Permission.MachineEdit)
def target_switch(request: PageRequest, target: str) -> HttpResponse:
    """Disable a target, or enable it again."""
    row = find(request, Machine, target, Permission.MachineView)
    off = request.POST.get("to") == "disabled"
    services.set_machine_disabled(actor=request.actor, row=row, is_disabled=off)
    text = "takes no part in deployments now" if off else "takes part in deployments again"
    messages.success(request, f"The target {row.name} {text}.")
    return go(request, f"{LIST}/{row.public_id}")


@require_POST
@page(Permission.MachineDelete)
def target_delete(request: PageRequest, target: str) -> HttpResponse:
    """Delete a target whose name was typed."""
    row = find(request, Machine, target, Permission.MachineView)
    name = row.name
    if request.POST.get("confirm", "").strip() != name:
        messages.error(request, f"Nothing was deleted: the text was not “{name}”.")
        return go(request, f"{LIST}/{row.public_id}")
    services.delete_machine(actor=request.actor, row=row)
    messages.success(request, f"The target {name} was deleted. Its agent can no longer connect.")
    return go(request, LIST)


def _page(
    request: PageRequest, row: Machine, values: dict[str, Any], problems: Problems = NO_PROBLEMS
) -> HttpResponse:
    session = AgentSession.objects.filter(agent=row.agent_id).first() if row.agent_id else None
    is_connected = bool(session and session.connected and not session.disconnected)
    events = about(events_visible_to(request.actor, request.space), [row.public_id])[:_RECENT]
    may_edit = allows_on(request.actor, row, Permission.MachineEdit)
    shown = {
        "target": row,
        "agent": row.agent,
        "session": session,
        "is_connected": is_connected,
        "upgrade": upgrade_of(row),
        "server_version": VERSION,
        "may_upgrade": may_edit and is_connected and not why_not(row, utc_now()),
        "may_cancel": may_edit and may_cancel(row),
        "policies": policies_to_choose(request),
        "placed": _environments(request, Permission.EnvironmentView).filter(machines=row),
        "values": values,
        "environments": _environments(request, Permission.MachineEdit) if may_edit else [],
        "known_roles": visible_roles(request.actor, request.space) if may_edit else [],
        "events": events if request.grants.allows_anywhere(Permission.EventView) else [],
        "may_edit": may_edit,
        "may_check": may_check(request, row),
        "may_view_tasks": request.grants.allows_anywhere(Permission.TaskView),
        "may_delete": allows_on(request.actor, row, Permission.MachineDelete),
    }
    return show(request, "infrastructure/target.html", shown, problems)


def _environments(request: PageRequest, permission: Permission) -> "QuerySet[Environment]":
    """Return the environments that the actor sees and in which they hold the permission."""
    return Environment.objects.visible_to(request.actor, request.space, permission)


def _filtered(
    request: PageRequest,
    every: "QuerySet[Machine]",
    facts: list[tuple[Any, ...]],
    environments: list[Environment],
) -> "QuerySet[Machine]":
    text = request.GET.get("q", "").strip().lower()
    role = request.GET.get("role", "").lower()
    health = request.GET.get("health", "")
    wanted = [e.pk for e in environments if e.public_id == request.GET.get("environment")]
    rows = every
    if text:
        tagged = [pk for pk, *_, tags in facts if any(text in str(tag).lower() for tag in tags)]
        rows = rows.filter(name__icontains=text) | rows.filter(pk__in=tagged)
        rows = rows | every.filter(agent__version__startswith=text)
    if role:
        having = [pk for pk, *_, tags in facts if role in {str(tag).lower() for tag in tags}]
        rows = rows.filter(pk__in=having)
    if health:
        rows = (
            rows.filter(is_disabled=True)
            if health == "Disabled"
            else rows.filter(is_disabled=False, health_status=health)
        )
    if wanted:
        rows = rows.filter(environments__in=wanted)
    in_order = _environments(request, Permission.EnvironmentView)
    return (
        rows.select_related("agent")
        .prefetch_related(Prefetch("environments", queryset=in_order))
        .order_by("name", "pk")
        .distinct()
    )


def _placed(row: Machine) -> "QuerySet[Environment]":
    return Environment.objects.in_space(row.space).filter(machines=row)

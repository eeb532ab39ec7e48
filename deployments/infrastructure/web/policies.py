"""Machine policies: the list, and the form of one."""

from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from deployments.access.permissions import Permission
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, carry_out, go, show
from deployments.access.web.pages import PageRequest, find, page
from deployments.infrastructure.models import Machine, MachinePolicy, Worker
from deployments.infrastructure.services import policies as services
from deployments.infrastructure.web.policy_form import (
    SCHEDULES,
    UNITS,
    UPDATES,
    document_of,
    form_of,
    sent_form,
    words_of,
)

LIST = "infrastructure/policies"
_SHOWN_USERS = 20
# Which field of the form belongs to which part of the document.
_PLACES = {
    "MachineHealthCheckPolicy": "health",
    "MachineCleanupPolicy": "cleanup",
    "PollingRequestQueueTimeout": "connectivity",
}


@require_GET
@page(Permission.MachinePolicyView)
def policy_list(request: PageRequest) -> HttpResponse:
    """List the machine policies with what they do and how much follows them."""
    users: dict[int, int] = {}
    for rows in _visible_users(request):
        counts = rows.order_by().values("policy").annotate(count=Count("pk", distinct=True))
        for policy, count in counts.values_list("policy", "count"):
            users[policy] = users.get(policy, 0) + count
    policies = MachinePolicy.objects.in_space(request.space).order_by("-is_default", "name")
    values = {
        "policies": [
            {
                "row": policy,
                "words": words_of(services.policy_document(policy.document)),
                "users": users.get(policy.pk, 0),
            }
            for policy in policies
        ],
        "may_create": request.grants.allows(Permission.MachinePolicyCreate),
    }
    return show(request, "infrastructure/policies.html", values)


@require_http_methods(["GET", "POST"])
@page(Permission.MachinePolicyCreate)
def policy_new(request: PageRequest) -> HttpResponse:
    """Create a machine policy."""
    whole = services.policy_document({})
    if request.method == "GET":
        return _form(request, None, form_of("", "", whole))
    form = sent_form(request.POST)
    policy, problems = attempt(
        lambda: services.create_machine_policy(
            actor=request.actor,
            space=request.space,
            name=form["name"],
            description=form["description"],
            document=document_of(form, whole),
        )
    )
    if policy is None:
        return _form(request, None, form, problems)
    messages.success(request, f"The machine policy {policy.name} was created.")
    return go(request, f"{LIST}/{policy.public_id}")


@require_http_methods(["GET", "POST"])
@page(Permission.MachinePolicyView)
def policy_page(request: PageRequest, policy: str) -> HttpResponse:
    """Show a machine policy and what follows it; change it."""
    row = find(request, MachinePolicy, policy, Permission.MachinePolicyView)
    whole = services.policy_document(row.document)
    if request.method == "GET":
        return _form(request, row, form_of(row.name, row.description, whole))
    form = sent_form(request.POST)
    saved, problems = attempt(
        lambda: services.update_machine_policy(
            actor=request.actor,
            policy=find(request, MachinePolicy, policy, Permission.MachinePolicyView),
            name=form["name"],
            description=form["description"],
            document=document_of(form, whole),
        )
    )
    if saved is None:
        return _form(request, row, form, problems)
    messages.success(request, f"The machine policy {saved.name} was saved.")
    return go(request, f"{LIST}/{saved.public_id}")


@require_POST
@page(Permission.MachinePolicyDelete)
def policy_delete(request: PageRequest, policy: str) -> HttpResponse:
    """Delete a policy; what follows it follows the default one then."""
    row = find(request, MachinePolicy, policy, Permission.MachinePolicyView)
    return carry_out(
        request,
        lambda: services.delete_machine_policy(actor=request.actor, policy=row),
        f"The machine policy {row.name} was deleted.",
        to=LIST,
        refused=f"{LIST}/{row.public_id}",
    )


def policies_to_choose(request: PageRequest) -> list[MachinePolicy]:
    """Return the policies among which a target or worker may choose."""
    if not request.grants.allows_anywhere(Permission.MachinePolicyView):
        return []
    return list(MachinePolicy.objects.in_space(request.space).order_by("-is_default", "name"))


def chosen_policy(request: PageRequest) -> MachinePolicy | None:
    """Return the policy that a form names, None to keep the one that there is."""
    wanted = request.POST.get("policy", "")
    return next((row for row in policies_to_choose(request) if row.public_id == wanted), None)


def _form(
    request: PageRequest,
    row: MachinePolicy | None,
    form: dict[str, str],
    problems: Problems = NO_PROBLEMS,
) -> HttpResponse:
    needed = Permission.MachinePolicyEdit if row else Permission.MachinePolicyCreate
    shown: dict[str, Any] = {
        "policy": row,
        "values": form,
        "words": words_of(services.policy_document(row.document)) if row else {},
        "schedules": SCHEDULES,
        "units": [name for name, _ in UNITS],
        "updates": UPDATES,
        "wrong": {_PLACES[name]: text for name, text in problems.fields.items() if name in _PLACES},
        "may_edit": request.grants.allows(needed),
        "may_delete": bool(row)
        and not (row and row.is_default)
        and request.grants.allows(Permission.MachinePolicyDelete),
    }
    if row is not None:
        shown |= _users(request, row)
    return show(request, "infrastructure/policy.html", shown, problems)


def _users(request: PageRequest, policy: MachinePolicy) -> dict[str, Any]:
    machines, workers = (rows.filter(policy=policy) for rows in _visible_users(request))
    counts = machines.count(), workers.count()
    return {
        "machines": machines.order_by("name", "pk")[:_SHOWN_USERS],
        "workers": workers.order_by("name", "pk")[:_SHOWN_USERS],
        "users": sum(counts),
        "unnamed": sum(max(0, count - _SHOWN_USERS) for count in counts),
    }


def _visible_users(request: PageRequest) -> tuple[Any, Any]:
    return (
        Machine.objects.visible_to(request.actor, request.space, Permission.MachineView),
        Worker.objects.visible_to(request.actor, request.space, Permission.WorkerView),
    )

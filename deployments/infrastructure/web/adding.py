"""Adding a target: where it belongs, the line that installs its agent, waiting for it."""

from django.http import HttpResponse
from django.views.decorators.http import require_GET, require_http_methods

from deployments.access.permissions import Permission
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, show, words
from deployments.access.web.pages import PageRequest, page
from deployments.base.errors import Invalid
from deployments.infrastructure.installer import install_command
from deployments.infrastructure.models import Environment, Machine
from deployments.infrastructure.queries import find_registration_token, visible_roles
from deployments.infrastructure.services.machines import clean_roles
from deployments.infrastructure.services.registration_tokens import create_registration_token
from deployments.infrastructure.web.waiting import waiting_page


@require_http_methods(["GET", "POST"])
@page(Permission.MachineCreate)
def target_add(request: PageRequest) -> HttpResponse:
    """Ask where the target belongs; then show the line to run on the machine."""
    if request.method == "GET":
        return _form(request, request.GET.getlist("environments"), request.GET.get("roles", ""))
    ids, typed = request.POST.getlist("environments"), request.POST.get("roles", "")
    chosen = [e for e in _environments(request) if e.public_id in ids]
    token, problems = attempt(lambda: _token(request, chosen, words(typed)))
    if token is None:
        return _form(request, ids, typed, problems)
    values = {
        "command": install_command(token, [e.name for e in chosen], clean_roles(words(typed))),
        "waiting": find_registration_token(request.space, token),
        "chosen": chosen,
        "roles": clean_roles(words(typed)),
    }
    answer = show(request, "infrastructure/target_install.html", values)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@require_GET
@page(Permission.MachineCreate)
def target_waiting(request: PageRequest, token: int) -> HttpResponse:
    """Tell whether the agent has registered with the token: a part of the page, or a page."""
    return waiting_page(request, token, model=Machine, view=Permission.MachineView)


def _token(request: PageRequest, environments: list[Environment], roles: list[str]) -> str:
    missing: dict[str, list[str]] = {}
    if not environments:
        missing["EnvironmentIds"] = ["Choose at least one environment."]
    if not roles:
        missing["Roles"] = ["Name at least one target tag."]
    if missing:
        raise Invalid(fields=missing)
    return create_registration_token(
        actor=request.actor,
        space=request.space,
        environments=environments,
        roles=clean_roles(roles),
    )


def _environments(request: PageRequest) -> list[Environment]:
    return list(
        Environment.objects.visible_to(request.actor, request.space, Permission.MachineCreate)
    )


def _form(
    request: PageRequest, ids: list[str], roles: str, problems: Problems = NO_PROBLEMS
) -> HttpResponse:
    values = {
        "environments": _environments(request),
        "chosen": ids,
        "roles": roles,
        "known_roles": visible_roles(request.actor, request.space),
        "may_create_environment": request.grants.allows(Permission.EnvironmentCreate),
    }
    return show(request, "infrastructure/target_add.html", values, problems)

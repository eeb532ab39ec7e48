"""Adding a worker: its pools, the line that installs its agent, waiting for it."""

from collections.abc import Sequence

from django.http import HttpResponse
from django.views.decorators.http import require_GET, require_http_methods

from deployments.access.permissions import Permission
from deployments.access.policy import require
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, show
from deployments.access.web.pages import PageRequest, page
from deployments.base.errors import Invalid
from deployments.infrastructure.installer import install_command
from deployments.infrastructure.models import Worker, WorkerPool
from deployments.infrastructure.queries import find_registration_token
from deployments.infrastructure.services.registration_tokens import create_registration_token
from deployments.infrastructure.web.waiting import waiting_page


@require_http_methods(["GET", "POST"])
@page(Permission.WorkerEdit)
def worker_add(request: PageRequest) -> HttpResponse:
    """Ask for the pools; then show the line to run on the machine."""
    require(request.actor, request.space, Permission.WorkerEdit)
    pools = list(WorkerPool.objects.in_space(request.space))
    if request.method == "GET":
        proposed = request.GET.getlist("pools") or [p.public_id for p in pools if p.is_default]
        return _form(request, pools, proposed)
    ids = request.POST.getlist("pools")
    chosen = [pool for pool in pools if pool.public_id in ids]
    token, problems = attempt(lambda: _token(request, chosen))
    if token is None:
        return _form(request, pools, ids, problems)
    names = [pool.name for pool in chosen]
    values = {
        "command": install_command(token, pools=names),
        "waiting": find_registration_token(request.space, token),
        "chosen": chosen,
    }
    answer = show(request, "infrastructure/worker_install.html", values)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@require_GET
@page(Permission.WorkerEdit)
def worker_waiting(request: PageRequest, token: int) -> HttpResponse:
    """Tell whether the agent has registered with the token: a part of the page, or a page."""
    return waiting_page(request, token, model=Worker, view=Permission.WorkerView)


def _token(request: PageRequest, chosen: Sequence[WorkerPool]) -> str:
    if not chosen:
        raise Invalid(fields={"WorkerPoolIds": ["Choose at least one worker pool."]})
    return create_registration_token(actor=request.actor, space=request.space, worker_pools=chosen)


def _form(
    request: PageRequest,
    pools: Sequence[WorkerPool],
    chosen: Sequence[str],
    problems: Problems = NO_PROBLEMS,
) -> HttpResponse:
    values = {"pools": pools, "chosen": chosen}
    return show(request, "infrastructure/worker_add.html", values, problems)

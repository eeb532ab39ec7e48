"""The dashboard of a space, and finding anything in it."""

from itertools import groupby
from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from deployments.access.permissions import Permission
from deployments.access.rules import SIGNED_IN
from deployments.access.web.forms import go, page_of, show
from deployments.access.web.pages import PageRequest, page
from deployments.base import public_ids
from deployments.infrastructure.models import Environment
from deployments.insights.board import TABS, BoardRow, counts_of
from deployments.insights.queries import board_rows, search
from deployments.projects.models import ProjectGroup
from deployments.server_tasks.models import ServerTask

_PROJECTS_OF_A_PAGE = 25


@require_GET
@page(SIGNED_IN)
def home(request: PageRequest) -> HttpResponse:
    """Send people to the dashboard."""
    return go(request, "dashboard")


@require_GET
@page(SIGNED_IN)
def dashboard(request: PageRequest) -> HttpResponse:
    """Show projects by environments; filters and tabs are parts of the address."""
    every = list(
        Environment.objects.visible_to(request.actor, request.space, Permission.EnvironmentView)
    )
    chosen = request.GET.getlist("environment")
    shown = [row for row in every if row.public_id in chosen or row.slug in chosen] or every
    text, group = request.GET.get("q", "").strip(), request.GET.get("group", "")
    rows = board_rows(
        request.actor,
        request.space,
        request.grants,
        environments=shown,
        group=group,
        text=text,
    )
    counts = counts_of(rows)
    tab = request.GET.get("show", "")
    part = page_of(request, [row for row in rows if row.belongs_to(tab)], _PROJECTS_OF_A_PAGE)
    values: dict[str, Any] = {
        "page": part,
        "columns": shown,
        "groups": _grouped(list(part)),
        "names": {row.pk: row for row in shown},
    }
    if request.headers.get("HX-Target") == "board":
        return show(request, "insights/_board.html", values)
    values |= {
        "tabs": [(name, label, counts[name]) for name, label in TABS if not name or counts[name]],
        "tab": tab,
        "total": len(rows),
        "environments": every,
        "project_groups": ProjectGroup.objects.visible_to(
            request.actor, request.space, Permission.ProjectGroupView
        ),
        "filters": request.GET,
        "is_filtered": bool(text or group or chosen or tab),
        "may_create": request.grants.allows_anywhere(Permission.ProjectCreate),
        "may_create_environment": request.grants.allows_anywhere(Permission.EnvironmentCreate),
    }
    return show(request, "insights/dashboard.html", values)


def _grouped(rows: list[BoardRow]) -> list[tuple[str, list[BoardRow]]]:
    return [(name, list(part)) for name, part in groupby(rows, key=lambda row: row.project.group)]


@require_GET
@page(SIGNED_IN)
def search_page(request: PageRequest) -> HttpResponse:
    """Find projects, releases, environments, targets and tasks; a task's id leads there."""
    text = request.GET.get("q", "").strip()
    is_live = request.headers.get("HX-Target") == "hits"
    number = public_ids.parse(ServerTask.id_prefix, text)
    hits = search(request.actor, request.space, text)
    if number is not None and hits.tasks and not is_live:
        return go(request, f"tasks/{hits.tasks[0].public_id}")
    values = {"text": text, "hits": hits}
    return show(request, "insights/_hits.html" if is_live else "insights/search.html", values)

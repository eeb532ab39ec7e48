"""The dashboard of a space, and finding anything in it."""

from itertools import groupby
from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from django.views.decorators.http import require_GET, require_POST

from deployments.access.permissions import Permission
from deployments.access.rules import SIGNED_IN
from deployments.access.web.forms import (
    checked,
    choices_of,
    event_stream,
    filters_of,
    go,
    page_of,
    show,
)
from deployments.access.web.pages import PageRequest, find, page
from deployments.base import public_ids
from deployments.infrastructure.models import Environment
from deployments.insights.board import DEPLOYABLE, TABS, BoardRow
from deployments.insights.live import boards
from deployments.insights.narrowing import Narrowing, narrowing_of, tenants_meant
from deployments.insights.queries import board_of, search, with_next
from deployments.insights.services.favourites import set_favourite
from deployments.insights.tenants import tallies_of
from deployments.insights.web.actions import actions_for
from deployments.insights.web.wall import WALL, show_wall
from deployments.projects.models import Project, ProjectGroup
from deployments.server_tasks.models import ServerTask
from tenants.web.frames import tag_sets_of_space

_ROWS_OF_A_PAGE = 25


@require_GET
@page(SIGNED_IN)
def home(request: PageRequest) -> HttpResponse:
    """Send people to the dashboard."""
    return go(request, "dashboard")


@require_GET
@page(SIGNED_IN)
def dashboard(request: PageRequest) -> HttpResponse:
    """Show projects by environments; filters and tabs are parts of the address."""
    who = (request.actor, request.space)
    every = list(Environment.objects.visible_to(*who, Permission.EnvironmentView))
    chosen = request.GET.getlist("environment")
    mine = narrowing = Narrowing() if "all" in request.GET else narrowing_of(*who)
    tags = list(filter(None, request.GET.getlist("tag")))
    if tags:
        narrowing = narrowing.for_tenants(tenants_meant(*who, tags=tags))
    named = [row for row in every if row.public_id in chosen or row.slug in chosen]
    shown = named or narrowing.of_environments(every) or every
    text, group = request.GET.get("q", "").strip(), request.GET.get("group", "")
    board = board_of(*who, environments=shown, group=group, text=text, narrowing=narrowing)
    standing, tab = board.tabs(), request.GET.get("show", "")
    counts = {"": len(board.facts), **{name: len(found) for name, found in standing.items()}}
    # Of what tenants have, what may go next without one says nothing.
    deploys = not narrowing.needs_tenants
    here = standing.get(tab)
    if tab == DEPLOYABLE:
        here = board.ready(*who, request.grants) if deploys else set()
        counts[tab] = len(here)
    facts = [each for each in board.facts if here is None or each.number in here]
    if request.GET.get("view") == WALL:
        return show_wall(request, board, facts, shown, among=narrowing.tenants)
    part = page_of(request, facts, _ROWS_OF_A_PAGE)
    part.object_list = with_next(*who, request.grants, board.rows(list(part)), deploys=deploys)
    values: dict[str, Any] = {
        "page": part,
        "columns": shown,
        "groups": _grouped(list(part)),
        "tallies": tallies_of(*who, part, among=narrowing.tenants),
        "names": {row.pk: row for row in shown},
        "address": request.GET.urlencode(),
    }
    if request.headers.get("HX-Target") == "board":
        return show(request, "insights/_board.html", values)
    values |= _frame(request, tags)
    values |= {
        "tabs": [
            (name, label, counts.get(name))
            for name, label in TABS
            if not name or counts.get(name) or name in {tab, DEPLOYABLE}
        ],
        "tab": tab,
        "total": counts[""],
        "environments": [(row.public_id, row.slug, row.name) for row in every],
        "is_filtered": bool(text or group or chosen or tab or tags),
        "is_narrow": mine.is_narrow,
    }
    return show(request, "insights/dashboard.html", values)


def _frame(request: PageRequest, tags: list[str]) -> dict[str, Any]:
    """Return what stands around the board and does not depend on it."""
    grants = request.grants
    return {
        "project_groups": choices_of(
            ProjectGroup.objects.visible_to(
                request.actor, request.space, Permission.ProjectGroupView
            )
        ),
        "filters": filters_of(request),
        "marked": [tag.lower() for tag in tags],
        "tag_sets": (
            tag_sets_of_space(request) if grants.allows_anywhere(Permission.TenantView) else ()
        ),
        "shows_all": "all" in request.GET,
        "may_create": grants.allows_anywhere(Permission.ProjectCreate),
        "may_create_environment": grants.allows(Permission.EnvironmentCreate),
    }


@require_GET
@page(SIGNED_IN)
def live(request: PageRequest) -> StreamingHttpResponse:
    """Tell an open board, as server-sent events, that it should be drawn anew."""
    return event_stream(request, boards.stream(request.space.pk))


@require_POST
@page(Permission.ProjectView)
def favourite(request: PageRequest, project: str) -> HttpResponse:
    """Put a project on top of one's own dashboard, or back; return to where the form was."""
    row = find(request, Project, project, Permission.ProjectView)
    set_favourite(actor=request.actor, project=row, is_favourite=checked(request, "on"))
    query = request.POST.get("query", "")
    return go(request, f"dashboard?{query[:500]}" if query else "dashboard")


def _grouped(rows: list[BoardRow]) -> list[tuple[str, list[BoardRow]]]:
    return [(name, list(part)) for name, part in groupby(rows, key=lambda row: row.project.heading)]


@require_GET
@page(SIGNED_IN)
def search_page(request: PageRequest) -> HttpResponse:
    """Find what is named so, and what may be done; a task's id leads there."""
    text = request.GET.get("q", "").strip()
    is_live = request.headers.get("HX-Target") == "hits"
    number = public_ids.parse(ServerTask.id_prefix, text)
    hits = search(request.actor, request.space, text)
    if number is not None and hits.tasks and not is_live:
        return go(request, f"tasks/{hits.tasks[0].public_id}")
    actions = actions_for(request.actor, request.space, request.grants, text)
    values = {"text": text, "hits": hits, "actions": actions}
    return show(request, "insights/_hits.html" if is_live else "insights/search.html", values)

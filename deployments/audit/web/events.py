"""What happened: events, newest first, filtered, with a cursor instead of page numbers."""

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from deployments.access.permissions import Permission
from deployments.access.web.forms import show
from deployments.access.web.pages import PageRequest, page
from deployments.audit.categories import CATEGORIES
from deployments.audit.queries import about, events_visible_to
from deployments.base.numbers import whole_number

_SIZE = 50


@require_GET
@page(Permission.EventView)
def event_list(request: PageRequest) -> HttpResponse:
    """List events; `before` is the cursor: events older than that one."""
    rows = events_visible_to(request.actor, request.space)
    filters = {
        name: request.GET.get(name, "").strip() for name in ("category", "user", "about", "q")
    }
    if filters["category"]:
        rows = rows.filter(category=filters["category"])
    if filters["user"]:
        rows = rows.filter(actor_name__icontains=filters["user"])
    if filters["about"]:
        rows = about(rows, [filters["about"]])
    if filters["q"]:
        rows = rows.filter(message__icontains=filters["q"])
    before = whole_number(request.GET.get("before"))
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows[: _SIZE + 1])
    shown = found[:_SIZE]
    values = {
        "events": shown,
        "older": shown[-1].pk if len(found) > _SIZE else None,
        "is_first": before is None,
        "filters": filters,
        "is_filtered": any(filters.values()),
        "categories": sorted(CATEGORIES.items(), key=lambda item: item[1]),
        "labels": CATEGORIES,
    }
    return show(request, "audit/events.html", values)

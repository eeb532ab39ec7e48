"""What happened: events, newest first, filtered, with a cursor instead of page numbers."""

from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_GET

from deployments.access.models import User
from deployments.access.permissions import Permission
from deployments.access.queries import users_visible_to
from deployments.access.scope_values import KINDS, ScopeNames, visible_names
from deployments.access.web.forms import show
from deployments.access.web.pages import PageRequest, page
from deployments.access.web.people import people_named
from deployments.audit.asked import page_filter
from deployments.audit.categories import CATEGORIES, GROUP_NAMES
from deployments.audit.clients import CLIENTS, OTHER, client_of
from deployments.audit.documents import DOCUMENT_TYPES
from deployments.audit.exports import as_csv, as_json_lines
from deployments.audit.filters import chosen
from deployments.audit.places import page_of_document
from deployments.audit.queries import Narrow, newest_events, visible_parts
from deployments.audit.wire import identity
from deployments.base import public_ids
from deployments.base.api.query import Query
from deployments.base.api.streamed import stream_bytes
from deployments.base.errors import NotFound
from deployments.base.models import Event
from deployments.base.numbers import whole_number

_SIZE = 50
_FORMATS = {
    "csv": (as_csv, "text/csv; charset=utf-8"),
    "jsonl": (as_json_lines, "application/x-ndjson"),
}
_CLIENT_NAMES = {**{each.key: each.name for each in CLIENTS}, OTHER: "Another program"}
# Names that are not filters.
_NO_FILTERS = {"before", "apikey"}


@dataclass(frozen=True, slots=True)
class Shown:
    """An event with what a reader is told of it."""

    event: Event
    kind: str
    identity: str
    client: str
    documents: tuple[tuple[str, str], ...]


@require_GET
@page(Permission.EventView)
def event_list(request: PageRequest) -> HttpResponse:
    """List events; `before` is the cursor: events older than that one."""
    problems: list[str] = []
    before = whole_number(request.GET.get("before"))
    parts = visible_parts(request.actor, request.space)
    narrow = _narrow(request, problems)
    found = newest_events(parts, narrow, before=before, limit=_SIZE + 1)
    shown = found[:_SIZE]
    names = visible_names(request.actor, request.space)
    values = {
        "events": shown,
        "days": [
            (day, [_shown(event) for event in events])
            for day, events in groupby(shown, key=lambda event: event.occurred.date())
        ],
        "older": shown[-1].pk if len(found) > _SIZE else None,
        "is_first": before is None,
        "sent": request.GET.dict(),
        "is_filtered": any(text for name, text in request.GET.items() if name not in _NO_FILTERS),
        "told": problems,
        "choices": _choices(request, names),
        "may_see_archives": request.grants.allows_system(Permission.EventRetentionView),
    }
    return show(request, "audit/events.html", values)


@require_GET
@page(Permission.EventView)
def event_people(request: PageRequest) -> HttpResponse:
    """Suggest names of people while one is typed."""
    return show(
        request,
        "audit/_people_names.html",
        {"people": people_named(request, request.GET.get("user", ""))},
    )


@require_GET
@page(Permission.EventView)
def event_export(request: PageRequest, form: str) -> HttpResponseBase:
    """Download what the filter of the page chooses, as `csv` or `jsonl`."""
    if form not in _FORMATS:
        raise NotFound
    write, content_type = _FORMATS[form]
    headers = {"Content-Disposition": f'attachment; filename="events.{form}"'}
    pieces = write(visible_parts(request.actor, request.space), _narrow(request, []))
    return stream_bytes(request, pieces, content_type, headers)


def _narrow(request: PageRequest, problems: list[str]) -> Narrow:
    wanted = page_filter(Query(request.GET), problems)
    return lambda rows: chosen(rows, wanted, [request.space])


def _shown(event: Event) -> Shown:
    documents = dict.fromkeys([event.subject_id, *(row.document_id for row in event.related.all())])
    return Shown(
        event=event,
        kind=CATEGORIES.get(event.category, event.category),
        identity=identity(event),
        client=_CLIENT_NAMES[client_of(event.authentication, event.user_agent)],
        documents=tuple((each, page_of_document(each)) for each in documents if each),
    )


def _choices(request: HttpRequest, names: ScopeNames) -> dict[str, Any]:
    actor = request.actor  # type: ignore[attr-defined]  # set by @page
    people = users_visible_to(actor)
    chosen_one = public_ids.parse(User.id_prefix, request.GET.get("person", ""))
    return {
        "kinds": [
            *((f"group:{key}", name) for key, name in GROUP_NAMES.items()),
            *sorted(CATEGORIES.items(), key=lambda item: item[1]),
        ],
        "person": people.filter(pk=chosen_one).first() if chosen_one else None,
        "scopes": [
            (kind, label, list(names.of(kind).items()))
            for kind, label in zip(KINDS, _SCOPE_LABELS, strict=True)
        ],
        "clients": list(_CLIENT_NAMES.items()),
        "types": sorted(DOCUMENT_TYPES.items(), key=lambda item: item[1]),
    }


_SCOPE_LABELS = ("project", "project group", "environment", "tenant", "tenant tag")

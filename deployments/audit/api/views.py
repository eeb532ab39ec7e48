"""`/api/events`."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import SystemViewSet
from deployments.access.rules import SIGNED_IN
from deployments.access.spaces import space_by_id, visible_spaces
from deployments.audit.categories import CATEGORIES, GROUPS
from deployments.audit.queries import about, events_visible_to
from deployments.base.actor import Actor
from deployments.base.api import dates, fields
from deployments.base.api.links import system_path
from deployments.base.api.query import Query
from deployments.base.api.serializers import IdentifiedSerializer
from deployments.base.errors import NotFound
from deployments.base.models import Event, Space


class EventSerializer(IdentifiedSerializer):
    id = fields.PublicIdField(source="*", read_only=True)
    auto_id = serializers.IntegerField(source="pk", read_only=True)
    space_id = serializers.SerializerMethodField()
    category = serializers.CharField(read_only=True)
    occurred = fields.MomentField(read_only=True)
    message = serializers.CharField(read_only=True)
    user_id = serializers.CharField(source="actor_id", read_only=True)
    username = serializers.CharField(source="actor_name", read_only=True)
    identity_established_with = serializers.CharField(source="authentication", read_only=True)
    ip_address = serializers.CharField(read_only=True)
    user_agent = serializers.CharField(read_only=True)
    related_document_ids = serializers.SerializerMethodField()
    change_details = serializers.SerializerMethodField()

    def get_space_id(self, event: Event) -> str | None:
        return f"Spaces-{event.space_id}" if event.space_id else None

    def get_related_document_ids(self, event: Event) -> list[str]:
        return sorted(row.document_id for row in event.related.all())

    def get_change_details(self, event: Event) -> dict[str, Any] | None:
        query = self.context.get("query")
        if query is not None and query.flag("excludeDifference", default=False):
            return None
        return {"DocumentContext": event.subject_id or None, "Differences": event.changes}

    def get_links(self, event: Event) -> dict[str, str]:
        return {"Self": system_path("events", f"Events-{event.pk}")}


class EventViewSet(SystemViewSet[Event]):
    """Events of a space, or of all spaces and the system; each reader sees what they may."""

    model = Event
    serializer_class = EventSerializer
    item_type = "Event"
    path = "events"
    name_field = ""
    query_names = (
        "skip",
        "take",
        "ids",
        "regarding",
        "regardingAny",
        "users",
        "projects",
        "environments",
        "tenants",
        "eventGroups",
        "eventCategories",
        "from",
        "to",
        "fromAutoId",
        "toAutoId",
        "documentTypes",
        "spaces",
        "includeSystem",
        "excludeDifference",
    )
    permission_map: ClassVar = {
        "list": SIGNED_IN,
        "retrieve": SIGNED_IN,
        "categories": SIGNED_IN,
        "groups": SIGNED_IN,
    }

    def get_queryset(self) -> QuerySet[Event]:
        text = self.kwargs.get("space")
        space = space_by_id(text) if text else None
        if text and (space is None or not _may_enter(self.actor, space)):
            raise NotFound
        system = self.query.flag("includeSystem", default=space is None)
        rows = events_visible_to(self.actor, space, include_system=bool(system))
        return rows.prefetch_related("related")

    def filtered(self, rows: QuerySet[Event], query: Query) -> QuerySet[Event]:
        rows = super().filtered(rows, query)
        for document in query.texts("regarding"):
            rows = about(rows, [document])
        for name in ("regardingAny", "projects", "projectGroups", "environments", "tenants"):
            if ids := query.texts(name):
                rows = about(rows, ids)
        if users := query.texts("users") + query.texts("user"):
            rows = rows.filter(actor_id__in=users)
        if categories := _categories(query):
            rows = rows.filter(category__in=categories)
        if spaces := query.texts("spaces"):
            found = [space.pk for text in spaces if (space := space_by_id(text))]
            rows = rows.filter(space__in=found) | rows.filter(space__isnull=True)
        for kind in query.texts("documentTypes"):
            rows = rows.filter(subject_id__istartswith=f"{kind}-")
        return _between(rows, query)

    def categories(self, request: Request, **ids: Any) -> Response:
        return Response([{"Id": key, "Name": name} for key, name in CATEGORIES.items()])

    def groups(self, request: Request, **ids: Any) -> Response:
        return Response(
            [{"Id": key, "Name": key, "EventCategories": list(of)} for key, of in GROUPS.items()]
        )


def _may_enter(actor: Actor, space: Space) -> bool:
    return visible_spaces(actor).filter(pk=space.pk).exists()


def _categories(query: Query) -> list[str]:
    found = query.texts("eventCategories")
    for name in query.texts("eventGroups"):
        found.extend(GROUPS.get(name, (name,)))
    return found


def _between(rows: QuerySet[Event], query: Query) -> QuerySet[Event]:
    if text := query.text("from"):
        rows = rows.filter(occurred__gte=dates.from_wire(text, field="from"))
    if text := query.text("to"):
        rows = rows.filter(occurred__lte=dates.from_wire(text, field="to"))
    if number := query.number("fromAutoId", 0):
        rows = rows.filter(pk__gte=number)
    if number := query.number("toAutoId", 0):
        rows = rows.filter(pk__lte=number)
    return rows

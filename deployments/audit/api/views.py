"""`/api/events` and its archives."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import SystemViewSet
from deployments.access.permissions import Permission
from deployments.access.rules import SIGNED_IN
from deployments.access.spaces import space_by_id, visible_spaces
from deployments.audit.archives.sending import archive_file
from deployments.audit.asked import asked_filter
from deployments.audit.categories import CATEGORIES, GROUP_NAMES, GROUPS
from deployments.audit.clients import CLIENTS, OTHER
from deployments.audit.documents import DOCUMENT_TYPES
from deployments.audit.exports import as_csv
from deployments.audit.filters import chosen
from deployments.audit.models import EventArchive
from deployments.audit.queries import (
    archives_visible_to,
    events_visible_to,
    page_of_events,
    visible_parts,
)
from deployments.audit.services.keeping import delete_archive
from deployments.audit.wire import event_document
from deployments.base.actor import Actor
from deployments.base.api import fields, paging
from deployments.base.api.links import system_path
from deployments.base.api.query import Query
from deployments.base.api.serializers import IdentifiedSerializer
from deployments.base.api.streamed import stream_bytes
from deployments.base.errors import NotFound
from deployments.base.models import Event, Space

_MOST_AT_ONCE = 10_000


class EventSerializer(IdentifiedSerializer):
    """Declares what `event_document` writes."""

    id = fields.PublicIdField(source="*", read_only=True)
    auto_id = serializers.IntegerField(source="pk", read_only=True)
    space_id = fields.PublicIdField(source="*", read_only=True)
    category = serializers.CharField(read_only=True)
    occurred = fields.MomentField(read_only=True)
    message = serializers.CharField(read_only=True)
    user_id = serializers.CharField(source="actor_id", read_only=True)
    username = serializers.CharField(source="actor_name", read_only=True)
    is_service = fields.flag(read_only=True)
    identity_established_with = serializers.CharField(source="authentication", read_only=True)
    ip_address = serializers.CharField(read_only=True)
    user_agent = serializers.CharField(read_only=True)
    event_agent = serializers.CharField(source="*", read_only=True)
    related_document_ids = fields.texts(read_only=True, source="*")
    change_details = serializers.JSONField(source="changes", read_only=True)

    def to_representation(self, instance: Event) -> dict[str, Any]:
        query = self.context.get("query")
        without = query is not None and query.flag("excludeDifference", default=False)
        document = event_document(instance, with_differences=not without)
        return {**document, "Links": self.get_links(instance)}

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
        *("skip", "regarding", "regardingAny", "user", "users", "projects", "projectGroups"),
        *("environments", "eventGroups", "eventCategories", "eventAgents", "tags", "tenants"),
        *("from", "to", "internal", "fromAutoId", "toAutoId", "documentTypes", "asCsv", "take"),
        *("ids", "spaces", "includeSystem", "excludeDifference"),
    )
    permission_map: ClassVar = {
        "list": SIGNED_IN,
        "retrieve": SIGNED_IN,
        "categories": SIGNED_IN,
        "groups": SIGNED_IN,
        "agents": SIGNED_IN,
        "document_types": SIGNED_IN,
    }

    def get_queryset(self) -> QuerySet[Event]:
        space = self._space()
        system = self.query.flag("includeSystem", default=space is None)
        rows = events_visible_to(self.actor, space, include_system=bool(system))
        return rows.prefetch_related("related")

    def filtered(self, rows: QuerySet[Event], query: Query) -> QuerySet[Event]:
        rows = super().filtered(rows, query)
        space = self._space()
        spaces = [space] if space else list(visible_spaces(self.actor))
        rows = chosen(rows, asked_filter(query), spaces)
        if wanted := query.texts("spaces"):
            found = [space.pk for text in wanted if (space := space_by_id(text))]
            rows = rows.filter(space__in=found) | rows.filter(space__isnull=True)
        if number := query.number("fromAutoId", 0):
            rows = rows.filter(pk__gte=number)
        if number := query.number("toAutoId", 0):
            rows = rows.filter(pk__lte=number)
        return rows

    def list(self, request: Request, **ids: Any) -> Any:
        space = self._space()
        system = self.query.flag("includeSystem", default=space is None)
        parts = visible_parts(self.actor, space, include_system=bool(system))
        if not self.query.flag("asCsv", default=False):
            return self._page(parts)
        headers = {"Content-Disposition": 'attachment; filename="events.csv"'}
        pieces = as_csv(parts, self._narrow)
        return stream_bytes(request._request, pieces, "text/csv; charset=utf-8", headers)  # noqa: SLF001 Django's own

    def _narrow(self, rows: "QuerySet[Event]") -> "QuerySet[Event]":
        return self.filtered(rows, self.query)

    def _page(self, parts: Sequence[Q]) -> Response:
        """Answer with one page."""
        skip = self.query.number("skip", 0)
        take = min(self.query.number("take", paging.DEFAULT_TAKE), _MOST_AT_ONCE)
        found, total = page_of_events(parts, self._narrow, skip=skip, take=take)
        return Response(
            paging.envelope(
                paging.Page(found, total, skip, take),
                self.serialized(found),
                item_type=self.item_type,
                path=self.base_path(),
                query=self.query,
                names=self.query_names,
            )
        )

    def categories(self, request: Request, **ids: Any) -> Response:
        return Response([{"Id": key, "Name": name} for key, name in CATEGORIES.items()])

    def groups(self, request: Request, **ids: Any) -> Response:
        return Response(
            [
                {"Id": key, "Name": GROUP_NAMES[key], "EventCategories": list(of)}
                for key, of in GROUPS.items()
            ]
        )

    def agents(self, request: Request, **ids: Any) -> Response:
        known = [{"Id": each.key, "Name": each.name} for each in CLIENTS]
        return Response([*known, {"Id": OTHER, "Name": OTHER}])

    def document_types(self, request: Request, **ids: Any) -> Response:
        return Response([{"Id": key, "Name": name} for key, name in DOCUMENT_TYPES.items()])

    def _space(self) -> Space | None:
        text = self.kwargs.get("space")
        space = space_by_id(text) if text else None
        if text and (space is None or not _may_enter(self.actor, space)):
            raise NotFound
        return space


class ArchiveSerializer(IdentifiedSerializer):
    file_name = serializers.CharField(read_only=True)
    file_bytes = serializers.IntegerField(source="size", read_only=True)
    created_date = fields.MomentField(source="created", read_only=True)
    event_count = serializers.IntegerField(source="count", read_only=True)
    sha256 = serializers.CharField(read_only=True)
    previous_sha256 = serializers.CharField(source="previous", read_only=True)
    deleted = fields.MomentField(read_only=True)

    def get_links(self, row: EventArchive) -> dict[str, str]:
        return {"Self": system_path("events/archives", row.public_id)}


class ArchiveViewSet(SystemViewSet[EventArchive]):
    """The files of the days that have ended; reading one answers with its lines."""

    model = EventArchive
    serializer_class = ArchiveSerializer
    item_type = "EventArchive"
    path = "events/archives"
    name_field = ""
    query_names = ("skip", "take", "ids")
    permission_map: ClassVar = {
        "list": Permission.EventRetentionView,
        "retrieve": Permission.EventRetentionView,
        "destroy": Permission.EventRetentionDelete,
    }

    def get_queryset(self) -> QuerySet[EventArchive]:
        return archives_visible_to(self.actor)

    def retrieve(self, request: Request, **ids: Any) -> Any:
        row = self.get_object()
        return archive_file(request._request, row)  # noqa: SLF001 Django's own

    def destroy_row(self, row: EventArchive) -> None:
        delete_archive(actor=self.actor, archive=row)


def _may_enter(actor: Actor, space: Space) -> bool:
    return visible_spaces(actor).filter(pk=space.pk).exists()

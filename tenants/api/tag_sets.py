"""Tag sets on the wire."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Q, QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.permissions import Permission
from deployments.access.rules import SIGNED_IN
from deployments.base.api.fields import text
from deployments.base.api.links import space_path
from deployments.base.api.parsers import fields_of
from deployments.base.api.query import Query
from deployments.base.api.serializers import SpaceResourceSerializer
from deployments.base.errors import Invalid
from deployments.base.numbers import whole_number
from tenants.models import TagSet
from tenants.queries import tag_sets_of
from tenants.services.tag_sets import (
    DEFAULT_COLOR,
    TagInput,
    TagSetInput,
    create_tag_set,
    delete_tag_set,
    scopes_of,
    sort_tag_sets,
    update_tag_set,
)
from tenants.services.tag_usage import Scope


class TagSetSerializer(SpaceResourceSerializer):
    name = serializers.CharField(max_length=200)
    slug = serializers.CharField(read_only=True)
    description = text()
    sort_order = serializers.IntegerField(
        min_value=0, max_value=2**31 - 1, default=None, allow_null=True
    )
    type = text()
    tags = serializers.ListField(child=serializers.JSONField(), default=list)
    scopes = serializers.ListField(child=serializers.CharField(), default=list)

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        for name in ("Tags", "Type", "Scopes"):
            fields[name].write_only = True
        return fields

    def to_representation(self, instance: TagSet) -> dict[str, Any]:
        return {
            **super().to_representation(instance),
            "Type": instance.kind,
            "Scopes": scopes_of(instance),
            "Tags": [
                {
                    "Id": tag.public_id,
                    "Name": tag.name,
                    "Color": tag.color,
                    "Description": tag.description,
                    "SortOrder": tag.sort_order,
                    "CanonicalTagName": f"{instance.name}/{tag.name}",
                }
                for tag in instance.tags.all()
            ],
        }

    def get_links(self, row: TagSet) -> dict[str, str]:
        return {"Self": space_path(f"Spaces-{row.space_id}", "tagsets", row.public_id)}


class TagSetViewSet(SpaceViewSet[TagSet]):
    model = TagSet
    serializer_class = TagSetSerializer
    item_type = "TagSet"
    path = "tagsets"
    view_permission = Permission.TenantView
    query_names = ("skip", "take", "ids", "partialName", "scopes")
    permission_map = {
        "list": SIGNED_IN,  # whoever sees the space sees its tags
        "all": SIGNED_IN,
        "retrieve": SIGNED_IN,
        "create": Permission.TagSetCreate,
        "update": Permission.TagSetEdit,
        "destroy": Permission.TagSetDelete,
        "sort": Permission.TagSetEdit,
    }

    def get_queryset(self) -> QuerySet[TagSet]:
        return TagSet.objects.in_space(self.space).prefetch_related("tags")

    def filtered(self, rows: QuerySet[TagSet], query: Query) -> QuerySet[TagSet]:
        rows = super().filtered(rows, query)
        scopes = {scope.lower() for scope in query.texts("scopes")}
        if not scopes:
            return rows
        wanted = Q(pk__in=())
        if Scope.TENANT.lower() in scopes:
            wanted |= Q(for_tenants=True)
        if Scope.RUNBOOK.lower() in scopes:
            wanted |= Q(for_runbooks=True)
        return rows.filter(wanted)

    def create_row(self, data: dict[str, Any]) -> TagSet:
        return create_tag_set(
            actor=self.actor, space=self.space, tag_set=_input(data, {}, [Scope.TENANT])
        )

    def update_row(self, row: TagSet, data: dict[str, Any]) -> TagSet:
        stored = {tag.pk: tag.sort_order for tag in row.tags.all()}
        tag_set = _input(data, stored, scopes_of(row))
        updated = update_tag_set(actor=self.actor, row=row, tag_set=tag_set)
        return self.get_queryset().get(pk=updated.pk)

    def destroy_row(self, row: TagSet) -> None:
        delete_tag_set(actor=self.actor, row=row)

    def sort(self, request: Request, **ids: Any) -> Response:
        """Put the sets into the order of the ids in the body."""
        wanted: Any = request.data
        if isinstance(wanted, Mapping):
            wanted = fields_of(wanted).get("ids")
        if not isinstance(wanted, list) or not all(isinstance(text, str) for text in wanted):
            raise Invalid("A list of ids of tag sets is expected.")
        sort_tag_sets(actor=self.actor, space=self.space, ids=wanted)
        return Response(self.serialized(tag_sets_of(self.space)))


def _input(data: dict[str, Any], stored: Mapping[int, int], known: Sequence[str]) -> TagSetInput:
    """Read a tag set; without `Scopes`, which older clients do not know, `known` stay."""
    named = {scope.lower(): scope.value for scope in Scope}
    return TagSetInput(
        name=data["name"],
        description=data["description"],
        kind=data["type"] or TagSet.Kind.MULTI_SELECT,
        scopes=[named.get(scope.lower(), scope) for scope in data["scopes"]] or known,
        sort_order=data["sort_order"],
        tags=_in_order([_tag(entry) for entry in data["tags"]], stored),
    )


def _in_order(
    entries: Sequence[tuple[TagInput, int | None]], stored: Mapping[int, int]
) -> list[TagInput]:
    """Return the tags by SortOrder where a client has changed it, else as they stand in the list.

    `stored` is the order of the tags, by number, that the client has read.
    """
    read = [stored[tag.number] == at for tag, at in entries if tag.number and tag.number in stored]
    is_unchanged = bool(read) and all(read)
    if is_unchanged or any(at is None for _, at in entries):
        return [tag for tag, _ in entries]
    return [tag for tag, _ in sorted(entries, key=lambda entry: entry[1] or 0)]


def _tag(entry: Any) -> tuple[TagInput, int | None]:
    fields = fields_of(entry)
    texts = {}
    for name in ("name", "color", "description", "id"):
        value = fields.get(name)
        if value is not None and not isinstance(value, str):
            raise Invalid(fields={"Tags": [f"The {name} of a tag must be a text."]})
        texts[name] = value or ""
    place = fields.get("sortorder")
    if place is not None and (isinstance(place, bool) or not isinstance(place, int)):
        raise Invalid(fields={"Tags": ["The SortOrder of a tag must be a number."]})
    tag = TagInput(
        name=texts["name"],
        color=texts["color"] or DEFAULT_COLOR,
        description=texts["description"],
        number=whole_number(texts["id"].rpartition("/Tags-")[2]),
    )
    return tag, place

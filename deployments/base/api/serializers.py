"""The base of resource serializers.

Declare fields in snake_case; on the wire they are PascalCase (`wire_names` lists exceptions) and
`validated_data` has the snake_case names again. Requests match names ignoring case, ignore unknown
ones, read null lists as empty and an empty id as absent. `read(data)` raises Invalid with all
errors at once.
"""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from rest_framework import serializers

from deployments.base.api.fields import PublicIdField
from deployments.base.api.names import pascal_case
from deployments.base.errors import Invalid

_MISSING_CODES = {"required", "blank", "null", "empty"}


class ResourceSerializer(serializers.Serializer[Any]):
    """A serializer of PascalCase names."""

    wire_names: ClassVar[Mapping[str, str]] = {}

    def get_fields(self) -> dict[str, Any]:
        renamed = {}
        for name, field in super().get_fields().items():
            wire = self.wire_names.get(name) or pascal_case(name)
            if isinstance(field, serializers.SerializerMethodField):
                field.method_name = field.method_name or f"get_{name}"
            elif getattr(field, "source", None) is None and wire != name:
                field.source = name
            renamed[wire] = field
        return renamed

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping):
            raise serializers.ValidationError({"": ["A JSON object is expected."]})
        wire_names = {str(name).lower(): str(name) for name in self.fields}
        known: dict[str, Any] = {}
        for name, value in data.items():
            wire = wire_names.get(str(name).lower())
            if wire is not None and not _is_absent(self.fields[wire], value):
                known[wire] = value
        return super().to_internal_value(known)

    def read(self, data: Any) -> dict[str, Any]:
        """Return the validated values by snake_case name; raises Invalid."""
        self.initial_data = data
        if not self.is_valid():
            fields: dict[str, list[str]] = {}
            for name, error in _flat(self.errors):
                fields.setdefault(name, []).append(_sentence(name, error))
            raise Invalid(fields=fields)
        return dict(self.validated_data)


class IdentifiedSerializer(ResourceSerializer):
    """A resource with Id and Links; override `get_links`."""

    id = PublicIdField(source="public_id", read_only=True)
    links = serializers.SerializerMethodField()

    def get_links(self, row: Any) -> dict[str, str]:
        raise TypeError(f"{type(self).__name__} declares no links for {row!r}.")


class SpaceResourceSerializer(IdentifiedSerializer):
    """A resource that a space owns: Id, SpaceId and Links."""

    space_id = serializers.SerializerMethodField()

    def get_space_id(self, row: Any) -> str:
        return f"Spaces-{row.space_id}"


def _is_absent(field: Any, value: Any) -> bool:
    if value is None:
        return not field.allow_null
    return value == "" and isinstance(field, PublicIdField)


def _flat(errors: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(errors, Mapping):
        for name, inner in errors.items():
            step = "" if name == "non_field_errors" else str(name)
            yield from _flat(inner, ".".join(filter(None, (path, step))))
    elif isinstance(errors, list):
        for number, inner in enumerate(errors):
            if isinstance(inner, Mapping):
                yield from _flat(inner, f"{path}[{number}]")
            else:
                yield path, inner


def _sentence(name: str, error: Any) -> str:
    if getattr(error, "code", "") in _MISSING_CODES:
        return f"{name} is required."
    return f"{name}: {error}" if name else str(error)

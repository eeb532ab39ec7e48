"""Serializer fields of the wire format."""

from datetime import datetime
from typing import Any

from rest_framework import serializers

from deployments.base.api import dates
from deployments.base.api.names import with_pascal_names
from deployments.base.errors import Invalid


class PublicIdField(serializers.CharField):
    """An id such as `Projects-1`; an empty text counts as absent, on reading as null.

    Reading takes a public id from the source; an object with `public_id` works as well.
    """

    def __init__(self, **kwargs: Any) -> None:
        if not kwargs.get("read_only") and not kwargs.get("required"):
            kwargs.setdefault("allow_null", True)
            kwargs.setdefault("default", None)
        super().__init__(**kwargs)

    def to_representation(self, value: Any) -> str | None:  # type: ignore[override]
        return getattr(value, "public_id", None) or (str(value) if value else None)


class MomentField(serializers.Field[datetime, Any, str | None, Any]):
    """A moment as RFC 3339 with offset."""

    def to_representation(self, value: datetime) -> str | None:
        return dates.to_wire(value)

    def to_internal_value(self, data: Any) -> datetime:
        try:
            return dates.from_wire(str(data), field=self.field_name or "")
        except Invalid as error:
            raise serializers.ValidationError(error.message) from error


class RecordField(serializers.JSONField):
    """An object of the wire kept as JSON: names inside are read in `camelCase` too."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, dict):
            raise serializers.ValidationError("An object is expected.")
        return with_pascal_names(super().to_internal_value(data))


def text(**kwargs: Any) -> serializers.CharField:
    """Return a field for a text; absent means empty."""
    kwargs.setdefault("allow_blank", True)
    kwargs.setdefault("default", "")
    return serializers.CharField(**kwargs)


def flag(*, default: bool = False, **kwargs: Any) -> serializers.BooleanField:
    """Return a field for true or false."""
    return serializers.BooleanField(default=default, **kwargs)


def texts(**kwargs: Any) -> serializers.ListField:
    """Return a field for a list of texts or ids; absent means empty."""
    if not kwargs.get("read_only"):
        kwargs.setdefault("default", list)
    return serializers.ListField(child=serializers.CharField(), **kwargs)

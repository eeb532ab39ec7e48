"""A password on the wire: never shown, and told whether there is one."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers


class SecretField(serializers.Field[Any, Any, Any, Any]):
    """Reads a text or {"HasValue", "NewValue"}; None keeps what is stored, empty removes it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(default=None, allow_null=True, **kwargs)

    def to_representation(self, value: Any) -> dict[str, Any]:
        return {"HasValue": bool(value), "NewValue": None}

    def to_internal_value(self, data: Any) -> str | None:
        if isinstance(data, Mapping):
            new = data.get("NewValue")
            if new is None:
                return "" if data.get("HasValue") is False else None
            data = new
        if not isinstance(data, str):
            raise serializers.ValidationError("A text is expected.")
        return data

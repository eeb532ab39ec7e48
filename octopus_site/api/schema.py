"""How the OpenAPI document describes the view sets: what they really take and answer."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from deployments.access.rules import ANONYMOUS
from deployments.base.api.paging import STANDARD_NAMES

Schema = dict[str, Any]

JSON = "application/json"
_BODIES = {"create", "update"}
_STANDARD = {"list", "all", "retrieve", "create", "update", "destroy"}
_NUMBERS = {"skip", "take"}
_CREATED = {"create": 201}
_TEXTS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}
_COUNT: Schema = {"type": "integer", "minimum": 0}
# What every refusal looks like; `Errors` is there when the request itself is wrong.
REFUSAL: Schema = {
    "type": "object",
    "properties": {
        "ErrorMessage": {"type": "string", "minLength": 1},
        "Errors": {"type": "array", "items": {"type": "string"}},
        "Details": {
            "type": "object",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
    },
    "required": ["ErrorMessage"],
}


class OctopusSchema(AutoSchema):
    """Describe one operation from its view set, its action and `answers.json` beside this file."""

    @property
    def viewset(self) -> Any:
        """The view, which has an action and a permission map: every view here does."""
        return self.view

    def get_operation_id(self) -> str:
        parts = [part for part in re.split(r"[/{}]", self.path_prefixless()) if part]
        words = re.sub(r"[^A-Za-z0-9]+", " ", " ".join(parts)).split()
        return self.method.lower() + "".join(word[:1].upper() + word[1:] for word in words)

    def path_prefixless(self) -> str:
        """Return the path below the space, its holes told by `By`."""
        return re.sub(r"\{(\w+)\}", r"by/\1", self.path.removeprefix("/api/{space}"))

    def get_auth(self) -> list[dict[str, list[str]]]:
        rule = self.viewset.permission_map.get(self.viewset.action)
        return [] if rule is ANONYMOUS else [{"ApiKey": []}]

    def get_override_parameters(self) -> list[Any]:
        names = self._described().get("query", [])
        if self.viewset.action == "list":
            names = [*getattr(self.viewset, "query_names", STANDARD_NAMES), *names]
        return [_parameter(name) for name in dict.fromkeys(names)]

    def get_request_serializer(self) -> Any:
        told = self._described()
        if "takes" in told:
            return {told.get("sends", JSON): told["takes"]}
        if self.viewset.action in _BODIES and self._serializer() is not None:
            return {JSON: self._serializer()}
        return {JSON: {"type": "object"}}

    def _is_list_view(self, serializer: Any = None) -> bool:
        return False  # `_answer` says itself what is a list

    def get_response_serializers(self) -> Any:
        told = self._described()
        statuses = told.get("status") or [_CREATED.get(self.viewset.action, 200)]
        answer, media = self._answer(told), told.get("media", JSON)
        # `{}` is any JSON; drf-spectacular takes an empty schema for no body at all.
        done = {(str(status), media): answer or {"nullable": True} for status in statuses}
        for other in told.get("also", []):
            done[(str(statuses[0]), other)] = {"type": "string"}
        return {**done, ("4XX", JSON): REFUSAL}

    def _answer(self, told: Schema) -> Any:
        if "answer" in told:
            return self._with_rows(told["answer"])
        if self.viewset.action == "destroy":
            return {"type": "object"}
        rows = self._row()
        if self.viewset.action == "list":
            return page_of(rows)
        if self.viewset.action == "all":
            return {"type": "array", "items": rows}
        return rows if self.viewset.action in _STANDARD else {}

    def _with_rows(self, schema: Any) -> Any:
        """Return the schema; `ROW`, `ROWS` and `PAGE` (`of` another thing) are those of rows."""
        if not isinstance(schema, str):
            return schema
        form, _, name = schema.partition(" of ")
        row = self._row(name)
        forms = {"ROW": row, "ROWS": {"type": "array", "items": row}, "PAGE": page_of(row)}
        return forms[form]

    def _row(self, name: str = "") -> Schema:
        """Return the schema of a row: of a view set or component by name, else of this view set."""
        told = answers().get(name or type(self.viewset).__name__, {})
        if "row" in told:
            return dict(told["row"])
        if name:
            return {"$ref": f"#/components/schemas/{name}"}
        serializer = self._serializer()
        if serializer is None:
            return {"type": "object"}
        return dict(self.resolve_serializer(serializer, "response").ref)

    def _serializer(self) -> Any:
        declared = getattr(self.viewset, "serializer_class", None)
        return None if declared is None else declared(context={"view": self.viewset})

    def _described(self) -> Schema:
        told = answers().get(f"{type(self.viewset).__name__}.{self.viewset.action}", {})
        return {**answers().get(told.get("like", ""), {}), **told}


@cache
def answers() -> dict[str, Schema]:
    """Return what the actions besides the standard ones take and answer, by view set and action."""
    read: dict[str, Schema] = json.loads(Path(__file__).with_name("answers.json").read_text())
    return read


def page_of(row: Schema) -> Schema:
    """Return the schema of the paging envelope around rows."""
    properties = {
        "ItemType": {"type": "string"},
        "TotalResults": _COUNT,
        "ItemsPerPage": _COUNT,
        "NumberOfPages": {"type": "integer", "minimum": 1},
        "LastPageNumber": _COUNT,
        "Items": {"type": "array", "items": row},
        "Links": _TEXTS,
    }
    return {"type": "object", "properties": properties, "required": list(properties)}


def _parameter(name: str) -> OpenApiParameter:
    return OpenApiParameter(name, _COUNT if name in _NUMBERS else str)


class PublicIdSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]  # of the package
    """An id, or null where there is none."""

    target_class = "deployments.base.api.fields.PublicIdField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: str) -> Schema:
        return {"type": "string", "nullable": True}


class MomentSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]  # of the package
    """A moment with offset, or null where there is none."""

    target_class = "deployments.base.api.fields.MomentField"

    def map_serializer_field(self, auto_schema: Any, direction: str) -> Schema:
        return {"type": "string", "format": "date-time", "nullable": True}


class RecordSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]  # of the package
    """An object that is kept as it comes."""

    target_class = "deployments.base.api.fields.RecordField"

    def map_serializer_field(self, auto_schema: Any, direction: str) -> Schema:
        return {"type": "object", "nullable": True}


class SecretSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]  # of the package
    """A secret: told whether there is one, taken as a text or with a new value."""

    target_class = "deployments.base.api.secret_field.SecretField"

    def map_serializer_field(self, auto_schema: Any, direction: str) -> Schema:
        value = {
            "type": "object",
            "nullable": True,
            "properties": {
                "HasValue": {"type": "boolean"},
                "NewValue": {"type": "string", "nullable": True},
            },
        }
        return value if direction == "response" else {"oneOf": [{"type": "string"}, value]}

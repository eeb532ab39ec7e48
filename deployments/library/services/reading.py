"""Variables as clients write them: JSON in the form of the REST API, in any case of names."""

from collections.abc import Mapping
from typing import Any

from deployments.base.api.names import with_pascal_names
from deployments.base.errors import Invalid
from deployments.library.services.inputs import VariableInput


def inputs_from_body(variables: Any) -> list[VariableInput]:
    """Read the variables of a set. Raises Invalid."""
    if not isinstance(variables, list):
        raise Invalid(fields={"Variables": ["Variables must be a list."]})
    return [_input(entry) for entry in variables]


def _input(entry: Any) -> VariableInput:
    if not isinstance(entry, Mapping):
        raise Invalid(fields={"Variables": ["A variable must be an object."]})
    fields = {str(name).lower(): value for name, value in entry.items()}
    return VariableInput(
        id=str(fields.get("id") or ""),
        name=str(fields.get("name") or ""),
        value=_value(fields),
        kind=str(fields.get("type") or "String"),
        is_sensitive=bool(fields.get("issensitive")),
        description=str(fields.get("description") or ""),
        scope=_scope(fields.get("scope") or {}),
        prompt=_prompt(fields.get("prompt")),
    )


def _value(fields: Mapping[str, Any]) -> str | None:
    value = fields.get("value")
    if isinstance(value, Mapping):  # some clients send {"HasValue", "NewValue"}
        inner = {str(name).lower(): part for name, part in value.items()}
        value = inner.get("newvalue") if inner.keys() <= {"hasvalue", "newvalue", "hint"} else value
    if isinstance(value, Mapping | list):
        name = fields.get("name") or "A variable"
        raise Invalid(fields={"Value": [f"{name}: the value must be a text."]})
    return None if value is None else str(value)


def _scope(document: Any) -> dict[str, list[str]]:
    if not isinstance(document, Mapping):
        raise Invalid(fields={"Scope": ["Scope must be an object of lists."]})
    scope = {}
    for name, values in with_pascal_names(dict(document)).items():
        if isinstance(values, str):
            scope[str(name)] = [values]
        elif isinstance(values, list):
            scope[str(name)] = [str(value) for value in values]
        elif values is not None:
            raise Invalid(fields={"Scope": [f"The scope '{name}' must be a list."]})
    return scope


def _prompt(document: Any) -> dict[str, Any] | None:
    if not isinstance(document, Mapping):
        return None
    fields = {str(name).lower(): value for name, value in document.items()}
    display = fields.get("displaysettings")
    return {
        "label": str(fields.get("label") or ""),
        "description": str(fields.get("description") or ""),
        "required": bool(fields.get("required")),
        "display_settings": dict(display) if isinstance(display, Mapping) else {},
    }


def prompt_resource(prompt: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored prompt in this form."""
    return {
        "Label": prompt.get("label", ""),
        "Description": prompt.get("description", ""),
        "Required": bool(prompt.get("required")),
        "DisplaySettings": prompt.get("display_settings") or {},
    }

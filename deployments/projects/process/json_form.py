"""The JSON form of a process: the wire's own names, read without regard to their case.

It is stored in this form, with secrets as {"sealed": base64}; fields that are not known and
properties of any name come back as they were.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from deployments.projects.process.shape import (
    Action,
    PackageReference,
    Process,
    PropertyValue,
    Step,
)

Json = Mapping[str, Any]

_STEP_FIELDS = {
    "Id": "id",
    "Name": "name",
    "Slug": "slug",
    "Condition": "condition",
    "StartTrigger": "start_trigger",
    "PackageRequirement": "package_requirement",
}
_ACTION_FIELDS = {
    "Id": "id",
    "Name": "name",
    "Slug": "slug",
    "ActionType": "action_type",
    "Notes": "notes",
    "IsDisabled": "is_disabled",
    "IsRequired": "is_required",
    "Condition": "condition",
    "WorkerPoolId": "worker_pool_id",
    "WorkerPoolVariable": "worker_pool_variable",
    "Environments": "environments",
    "ExcludedEnvironments": "excluded_environments",
    "Channels": "channels",
    "TenantTags": "tenant_tags",
}
_PACKAGE_FIELDS = {
    "Id": "id",
    "Name": "name",
    "PackageId": "package_id",
    "FeedId": "feed_id",
    "AcquisitionLocation": "acquisition_location",
    "Version": "version",
}
_COMPUTED = frozenset(
    {"links", "canbeusedforprojectversioning", "lastmodifiedon", "lastmodifiedby"}
)


class InvalidProcess(ValueError):
    """The document does not have the form of a process."""


def process_from_json(steps: Iterable[Any]) -> Process:
    """Read a list of steps. Raises InvalidProcess."""
    return Process(tuple(_step(_object(step, "a step")) for step in _list(steps)))


def process_to_json(process: Process) -> list[dict[str, Any]]:
    """Write the list of steps that process_from_json reads."""
    return [_step_json(step) for step in process.steps]


def _step(document: Json) -> Step:
    fields, rest = _take(document, _STEP_FIELDS)
    actions = rest.pop("actions", None) or []
    properties = rest.pop("properties", None) or {}
    return Step(
        **fields,
        properties=_properties(properties),
        actions=tuple(_action(_object(action, "an action")) for action in _list(actions)),
        extra=_extra(document, rest),
    )


def _action(document: Json) -> Action:
    fields, rest = _take(document, _ACTION_FIELDS)
    packages = _list(rest.pop("packages", None) or [])
    git = _list(rest.pop("gitdependencies", None) or [])
    return Action(
        **fields,
        container=_object(rest.pop("container", None) or {}, "a container"),
        packages=tuple(_package(_object(package, "a package")) for package in packages),
        git_dependencies=tuple(_object(entry, "a Git dependency") for entry in git),
        properties=_properties(rest.pop("properties", None) or {}),
        extra=_extra(document, rest),
    )


def _package(document: Json) -> PackageReference:
    fields, rest = _take(document, _PACKAGE_FIELDS)
    properties = _properties(rest.pop("properties", None) or {})
    return PackageReference(
        **fields,
        properties={name: value for name, value in properties.items() if isinstance(value, str)},
        extra=_extra(document, rest),
    )


def _take(document: Json, names: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split off the known scalar and list fields; an absent or null one keeps its default."""
    rest = {name.lower(): value for name, value in document.items()}
    fields: dict[str, Any] = {}
    for wire, attribute in names.items():
        value = rest.pop(wire.lower(), None)
        if value is None:
            continue
        fields[attribute] = _value(wire, attribute, value)
    return fields, rest


def _value(wire: str, attribute: str, value: Any) -> Any:
    if attribute in {"environments", "excluded_environments", "channels", "tenant_tags"}:
        return tuple(str(entry) for entry in _list(value))
    if attribute in {"is_disabled", "is_required"}:
        return value is True or str(value).lower() == "true"
    if isinstance(value, Mapping | list):
        raise InvalidProcess(f"{wire} must be a text.")
    text = str(value)
    return text if attribute == "notes" else text.strip()


def _extra(document: Json, rest: Json) -> dict[str, Any]:
    return {
        name: value
        for name, value in document.items()
        if name.lower() in rest and name.lower() not in _COMPUTED
    }


def _properties(document: Any) -> dict[str, PropertyValue]:
    properties: dict[str, PropertyValue] = {}
    for name, value in _object(document, "Properties").items():
        if value is None:
            continue
        if isinstance(value, bool):
            properties[str(name)] = "True" if value else "False"
        elif isinstance(value, Mapping):
            properties[str(name)] = dict(value)
        elif isinstance(value, list):
            raise InvalidProcess(f"The property '{name}' must be a text.")
        else:
            properties[str(name)] = str(value)
    return properties


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidProcess(f"The process is not valid: {what} must be an object.")
    return {str(name): entry for name, entry in value.items()}


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise InvalidProcess("The process is not valid: a list was expected.")
    return list(value)


def _step_json(step: Step) -> dict[str, Any]:
    return {
        **step.extra,
        **{wire: getattr(step, attribute) for wire, attribute in _STEP_FIELDS.items()},
        "Properties": dict(step.properties),
        "Actions": [_action_json(action) for action in step.actions],
    }


def _action_json(action: Action) -> dict[str, Any]:
    values = {wire: getattr(action, attribute) for wire, attribute in _ACTION_FIELDS.items()}
    return {
        **action.extra,
        **{name: list(v) if isinstance(v, tuple) else v for name, v in values.items()},
        "Container": dict(action.container),
        "CanBeUsedForProjectVersioning": action.can_version_the_project,
        "Packages": [_package_json(package) for package in action.packages],
        "GitDependencies": [dict(entry) for entry in action.git_dependencies],
        "Properties": dict(action.properties),
    }


def _package_json(package: PackageReference) -> dict[str, Any]:
    return {
        **package.extra,
        **{wire: getattr(package, attribute) for wire, attribute in _PACKAGE_FIELDS.items()},
        "Properties": dict(package.properties),
    }

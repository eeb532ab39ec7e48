"""The deployment settings of a project on the wire: a resource of their own and, in the older
form, properties of the project.
"""

from collections.abc import Mapping
from typing import Any

from deployments.base.api.links import space_path
from deployments.base.api.names import with_pascal_names
from deployments.projects.models import Project
from deployments.projects.settings import (
    DEFAULTS,
    EXTRA_DEFAULTS,
    extra_document,
    settings_document,
)

# Names that the project resource has for parts of the settings.
_ON_PROJECT = {
    "VersioningStrategy": "VersioningStrategy",
    "ReleaseNotesTemplate": "ReleaseNotesTemplate",
    "DeploymentChangesTemplate": "DeploymentChangesTemplate",
    "DefaultGuidedFailureMode": "DefaultGuidedFailureMode",
    "DefaultToSkipIfAlreadyInstalled": "DefaultToSkipIfAlreadyInstalled",
    "ProjectConnectivityPolicy": "ConnectivityPolicy",
}


def settings_of_project(row: Project) -> dict[str, Any]:
    """Return the settings as the project resource shows them."""
    document = settings_document(row.settings)
    shown = {wire: document[name] for wire, name in _ON_PROJECT.items()}
    shown["VersioningStrategy"] = _strategy(document["VersioningStrategy"])
    return shown


def settings_resource(row: Project) -> dict[str, Any]:
    """Return the settings as their own resource."""
    document = settings_document(row.settings)
    space = f"Spaces-{row.space_id}"
    return {
        "Id": f"deploymentsettings-{row.public_id}",
        "ProjectId": row.public_id,
        "SpaceId": space,
        **document,
        "VersioningStrategy": _strategy(document["VersioningStrategy"]),
        "Links": {
            "Self": space_path(space, "projects", row.public_id, "deploymentsettings"),
            "Project": space_path(space, "projects", row.public_id),
        },
    }


def extra_resource(row: Project) -> dict[str, Any]:
    """Return what the project resource shows beside its settings."""
    return extra_document(row.extra)


def settings_from_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings in the body of their own resource (names in lower case)."""
    return {
        name: _cleaned(name, body[name.lower()])
        for name in DEFAULTS
        if body.get(name.lower()) is not None
    }


def settings_from_project_body(
    body: Mapping[str, Any], stored: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the stored settings with those that the body of a project names."""
    named = {
        name: _cleaned(name, body[wire.lower()])
        for wire, name in _ON_PROJECT.items()
        if body.get(wire.lower()) is not None
    }
    return {**stored, **named}


def extra_from_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the body of a project says beside the settings.

    An absent list is an empty one; other absent parts stay.
    """
    extra: dict[str, Any] = {}
    for name, default in EXTRA_DEFAULTS.items():
        value = body.get(name.lower())
        if isinstance(default, list):
            extra[name] = list(value) if isinstance(value, list) else []
        elif value is not None:
            extra[name] = value
    return extra


def _cleaned(name: str, value: Any) -> Any:
    if name != "VersioningStrategy" or not isinstance(value, Mapping):
        return with_pascal_names(value)
    fields = {str(key).lower(): entry for key, entry in value.items()}
    donor = fields.get("donorpackage")
    if not donor and fields.get("donorpackagestepid"):
        donor = {"DeploymentAction": fields["donorpackagestepid"], "PackageReference": ""}
    return {
        "Template": fields.get("template") or None,
        "DonorPackage": with_pascal_names(donor) or None,
    }


def _strategy(document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "Template": document.get("Template"),
        "DonorPackage": document.get("DonorPackage"),
        "DonorPackageStepId": None,
    }

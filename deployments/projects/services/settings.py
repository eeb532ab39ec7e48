"""Checking the documents of a project's settings."""

from collections.abc import Mapping
from typing import Any, Final

from deployments.base.errors import Invalid
from deployments.base.participation import Participation
from deployments.library.variable_templates import checked_templates
from deployments.projects.settings import DEFAULTS, EXTRA_DEFAULTS, GUIDED_FAILURE_MODES

_SKIP_BEHAVIORS: Final = ("None", "SkipUnavailableMachines")
_TENANTED: Final = tuple(Participation)


def checked_settings(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the known parts of deployment settings; raises Invalid."""
    settings = {name: value for name, value in document.items() if name in DEFAULTS}
    for name, value in settings.items():
        _require_kind(name, value, DEFAULTS[name])
    _require_choice(
        "DefaultGuidedFailureMode", settings.get("DefaultGuidedFailureMode"), GUIDED_FAILURE_MODES
    )
    policy = settings.get("ConnectivityPolicy") or {}
    for name, default in DEFAULTS["ConnectivityPolicy"].items():
        _require_kind(name, policy.get(name), default)
    _require_choice("SkipMachineBehavior", policy.get("SkipMachineBehavior"), _SKIP_BEHAVIORS)
    strategy = settings.get("VersioningStrategy") or {}
    _require_kind("Template", strategy.get("Template"), "")
    donor = strategy.get("DonorPackage") or {}
    _require_object("DonorPackage", donor)
    for name in ("DeploymentAction", "PackageReference"):
        _require_kind(name, donor.get(name), "")
    if donor.get("DeploymentAction"):
        # The two ways exclude each other; clients send the template along empty or stale.
        settings["VersioningStrategy"] = {"Template": None, "DonorPackage": dict(donor)}
    return settings


def checked_extra(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the known parts beside the settings; raises Invalid."""
    extra = {name: value for name, value in document.items() if name in EXTRA_DEFAULTS}
    _require_choice("TenantedDeploymentMode", extra.get("TenantedDeploymentMode"), _TENANTED)
    included = extra.get("IncludedLibraryVariableSetIds")
    _require_kind("IncludedLibraryVariableSetIds", included, [])
    if extra.get("Templates") is not None:
        extra["Templates"] = checked_templates(extra["Templates"])
    return extra


def _require_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if value is not None and value not in choices:
        raise Invalid(fields={name: [f"{name} must be one of {', '.join(choices)}."]})


def _require_kind(name: str, value: Any, default: Any) -> None:
    """Raise Invalid unless the value is absent or of the default's kind; a None is a text's."""
    if value is None:
        return
    if isinstance(default, Mapping):
        _require_object(name, value)
    elif isinstance(default, bool):
        if not isinstance(value, bool):
            raise Invalid(fields={name: [f"{name} must be true or false."]})
    elif isinstance(default, list):
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise Invalid(fields={name: [f"{name} must be a list of texts."]})
    elif not isinstance(value, str):
        raise Invalid(fields={name: [f"{name} must be a text."]})


def _require_object(name: str, value: Any) -> None:
    if not isinstance(value, Mapping):
        raise Invalid(fields={name: [f"{name} must be an object."]})

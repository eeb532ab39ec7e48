"""Checking the documents of a project's settings."""

from collections.abc import Mapping
from typing import Any, Final

from deployments.base.errors import Invalid
from deployments.projects.settings import DEFAULTS, EXTRA_DEFAULTS, GUIDED_FAILURE_MODES

_SKIP_BEHAVIORS: Final = ("None", "SkipUnavailableMachines")
_TENANTED: Final = ("Untenanted", "TenantedOrUntenanted", "Tenanted")


def checked_settings(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the known parts of deployment settings; raises Invalid."""
    settings = {name: value for name, value in document.items() if name in DEFAULTS}
    _require_choice(
        "DefaultGuidedFailureMode", settings.get("DefaultGuidedFailureMode"), GUIDED_FAILURE_MODES
    )
    policy = settings.get("ConnectivityPolicy") or {}
    _require_object("ConnectivityPolicy", policy)
    _require_choice("SkipMachineBehavior", policy.get("SkipMachineBehavior"), _SKIP_BEHAVIORS)
    strategy = settings.get("VersioningStrategy") or {}
    _require_object("VersioningStrategy", strategy)
    donor = strategy.get("DonorPackage") or {}
    _require_object("DonorPackage", donor)
    if donor.get("DeploymentAction"):
        # The two ways exclude each other; clients send the template along empty or stale.
        settings["VersioningStrategy"] = {"Template": None, "DonorPackage": dict(donor)}
    return settings


def checked_extra(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the known parts beside the settings; raises Invalid."""
    extra = {name: value for name, value in document.items() if name in EXTRA_DEFAULTS}
    _require_choice("TenantedDeploymentMode", extra.get("TenantedDeploymentMode"), _TENANTED)
    return extra


def _require_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if value is not None and value not in choices:
        raise Invalid(fields={name: [f"{name} must be one of {', '.join(choices)}."]})


def _require_object(name: str, value: Any) -> None:
    if not isinstance(value, Mapping):
        raise Invalid(fields={name: [f"{name} must be an object."]})

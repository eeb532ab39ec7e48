"""The deployment settings of a project: the stored document, its defaults and a typed view."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from deployments.base.participation import Participation

DEFAULT_TEMPLATE: Final = (
    "#{Octopus.Version.LastMajor}.#{Octopus.Version.LastMinor}.#{Octopus.Version.NextPatch}"
)
GUIDED_FAILURE_MODES: Final = ("EnvironmentDefault", "Off", "On")

DEFAULTS: Final[Mapping[str, Any]] = {
    "VersioningStrategy": {"Template": DEFAULT_TEMPLATE, "DonorPackage": None},
    "ReleaseNotesTemplate": None,
    "DeploymentChangesTemplate": None,
    "DefaultGuidedFailureMode": "EnvironmentDefault",
    "DefaultToSkipIfAlreadyInstalled": False,
    "ForcePackageDownload": False,
    "FailTargetDiscovery": False,
    "CancelQueuedTasks": True,
    "CancelRunningTasks": True,
    "ConnectivityPolicy": {
        "SkipMachineBehavior": "None",
        "TargetRoles": [],
        "AllowDeploymentsToNoTargets": False,
        "ExcludeUnhealthyTargets": False,
    },
}

# What a project has beside its settings; kept as sent, because later issues give it a meaning.
EXTRA_DEFAULTS: Final[Mapping[str, Any]] = {
    "TenantedDeploymentMode": "Untenanted",
    "DiscreteChannelRelease": False,
    "AllowIgnoreChannelRules": True,
    "AutoCreateRelease": False,
    "ReleaseCreationStrategy": {"ChannelId": None, "ReleaseCreationPackage": None},
    "IncludedLibraryVariableSetIds": [],
    "Templates": [],
    "AutoDeployReleaseOverrides": [],
    "ExtensionSettings": [],
    "ProjectTags": [],
}


@dataclass(frozen=True, slots=True)
class DeploymentSettings:
    """What creating and executing deployments need to know."""

    version_template: str
    donor_action: str
    donor_reference: str
    guided_failure: str
    skip_unavailable_targets: bool
    skippable_roles: tuple[str, ...]
    allow_no_targets: bool
    exclude_unhealthy_targets: bool
    skip_if_installed: bool
    force_package_download: bool
    cancel_superseded_queued: bool
    cancel_superseded_paused: bool
    release_notes_template: str
    changes_template: str

    @property
    def has_donor(self) -> bool:
        """Whether a package gives releases their number."""
        return bool(self.donor_action)


def settings_document(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the whole document with the defaults for what is not stored."""
    return _with_defaults(stored, DEFAULTS)


def extra_document(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a project has beside its settings, with the defaults."""
    return _with_defaults(stored, EXTRA_DEFAULTS)


def participation_of(stored: Mapping[str, Any]) -> Participation:
    """Return whether a project with this beside its settings is deployed for tenants."""
    mode = stored.get("TenantedDeploymentMode")
    return Participation(EXTRA_DEFAULTS["TenantedDeploymentMode"] if mode is None else mode)


def deployment_settings(stored: Mapping[str, Any]) -> DeploymentSettings:
    """Return the typed view of a stored document."""
    document = settings_document(stored)
    policy = document["ConnectivityPolicy"]
    donor = document["VersioningStrategy"].get("DonorPackage") or {}
    return DeploymentSettings(
        version_template=document["VersioningStrategy"].get("Template") or DEFAULT_TEMPLATE,
        donor_action=donor.get("DeploymentAction") or "",
        donor_reference=donor.get("PackageReference") or "",
        guided_failure=document["DefaultGuidedFailureMode"],
        skip_unavailable_targets=policy["SkipMachineBehavior"] == "SkipUnavailableMachines",
        skippable_roles=tuple(policy["TargetRoles"] or ()),
        allow_no_targets=bool(policy["AllowDeploymentsToNoTargets"]),
        exclude_unhealthy_targets=bool(policy["ExcludeUnhealthyTargets"]),
        skip_if_installed=bool(document["DefaultToSkipIfAlreadyInstalled"]),
        force_package_download=bool(document["ForcePackageDownload"]),
        cancel_superseded_queued=bool(document["CancelQueuedTasks"]),
        cancel_superseded_paused=bool(document["CancelRunningTasks"]),
        release_notes_template=document["ReleaseNotesTemplate"] or "",
        changes_template=document["DeploymentChangesTemplate"] or "",
    )


def _with_defaults(stored: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for name, default in defaults.items():
        value = stored.get(name)
        if isinstance(default, Mapping):
            given = value if isinstance(value, Mapping) else {}
            document[name] = {**default, **given}
        elif isinstance(default, list):
            document[name] = list(value) if isinstance(value, list) else list(default)
        else:
            document[name] = default if value is None else value
    return document

"""The settings of a runbook: the stored document, its defaults and where it may run; pure."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from deployments.base.participation import Participation
from deployments.projects.retention import RetentionPolicy, stored_policy
from deployments.projects.settings import (
    DEFAULTS,
    DeploymentSettings,
    deployment_settings,
)

ENVIRONMENT_SCOPES: Final = ("All", "Specified", "FromProjectLifecycles")

RUNBOOK_DEFAULTS: Final[Mapping[str, Any]] = {
    "MultiTenancyMode": "Untenanted",
    "EnvironmentScope": "All",
    "Environments": [],
    "DefaultGuidedFailureMode": "EnvironmentDefault",
    "ConnectivityPolicy": {**DEFAULTS["ConnectivityPolicy"], "AllowDeploymentsToNoTargets": True},
    "RunRetentionPolicy": {
        "Strategy": "Default",
        "QuantityToKeep": 100,
        "Unit": "Items",
        "ShouldKeepForever": False,
    },
    "ForcePackageDownload": False,
    "FailTargetDiscovery": False,
    "CancelQueuedTasks": False,
    "CancelRunningTasks": False,
    "RunbookTags": [],
}


def runbook_document(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the whole document with the defaults for what is not stored."""
    document: dict[str, Any] = {}
    for name, default in RUNBOOK_DEFAULTS.items():
        value = stored.get(name)
        if isinstance(default, Mapping):
            document[name] = {**default, **(value if isinstance(value, Mapping) else {})}
        elif isinstance(default, list):
            document[name] = list(value if isinstance(value, list) else default)
        else:
            document[name] = default if value is None else value
    policy = document["RunRetentionPolicy"]
    if stored.get("RunRetentionPolicy") and "Strategy" not in stored["RunRetentionPolicy"]:
        # Older clients know no strategies: they keep everything or count.
        policy["Strategy"] = "Forever" if policy["ShouldKeepForever"] else "Count"
    return document


def settings_of_runbook(stored: Mapping[str, Any]) -> DeploymentSettings:
    """Return how a run is carried out, in the form that deployments have."""
    return deployment_settings(runbook_document(stored))


def run_retention(stored: Mapping[str, Any], default: RetentionPolicy) -> RetentionPolicy:
    """Return which runs are kept in each environment; `default` is what the space says."""
    return stored_policy(runbook_document(stored)["RunRetentionPolicy"], default)


def why_not_there(
    stored: Mapping[str, Any], environment: str, of_lifecycles: Collection[str]
) -> str:
    """Return why the runbook may not run in the environment (public ids); empty when it may."""
    document = runbook_document(stored)
    if document["EnvironmentScope"] == "Specified" and environment not in document["Environments"]:
        return "it is not one of the environments of the runbook."
    if document["EnvironmentScope"] == "FromProjectLifecycles" and environment not in of_lifecycles:
        return "it is in no lifecycle of the project."
    return ""


def why_not_with(stored: Mapping[str, Any], tenant: str | None) -> str:
    """Return why the runbook may not run for the tenant (its name), or without one."""
    mode = Participation(runbook_document(stored)["MultiTenancyMode"])
    if tenant is not None and not mode.allows_tenants:
        return "The runbook does not run for tenants."
    if tenant is None and not mode.allows_untenanted:
        return "The runbook runs only for tenants."
    return ""

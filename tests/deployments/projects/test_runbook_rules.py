"""Where and for whom a runbook may run: projects.md 11.1."""

from collections.abc import Mapping
from typing import Any

import pytest

from deployments.projects.runbooks import (
    runbook_document,
    settings_of_runbook,
    why_not_there,
    why_not_with,
)

NOT_NAMED = "it is not one of the environments of the runbook."
NO_LIFECYCLE = "it is in no lifecycle of the project."


@pytest.mark.parametrize(
    ("settings", "of_lifecycles", "reason"),
    [
        pytest.param({}, set(), "", id="everywhere unless it is said"),
        pytest.param({"EnvironmentScope": "All", "Environments": ["Environments-2"]}, set(), ""),
        pytest.param(
            {"EnvironmentScope": "Specified", "Environments": ["Environments-1"]}, set(), ""
        ),
        pytest.param(
            {"EnvironmentScope": "Specified", "Environments": ["Environments-2"]},
            {"Environments-1"},
            NOT_NAMED,
        ),
        pytest.param({"EnvironmentScope": "Specified"}, {"Environments-1"}, NOT_NAMED),
        pytest.param({"EnvironmentScope": "FromProjectLifecycles"}, {"Environments-1"}, ""),
        pytest.param(
            {"EnvironmentScope": "FromProjectLifecycles", "Environments": ["Environments-1"]},
            {"Environments-2"},
            NO_LIFECYCLE,
        ),
    ],
)
def test_environments(settings: Mapping[str, Any], of_lifecycles: set[str], reason: str) -> None:
    assert why_not_there(settings, "Environments-1", of_lifecycles) == reason


@pytest.mark.parametrize(
    ("mode", "tenant", "reason"),
    [
        ("Untenanted", None, ""),
        ("Untenanted", "Acme", "The runbook does not run for tenants."),
        ("TenantedOrUntenanted", None, ""),
        ("TenantedOrUntenanted", "Acme", ""),
        ("Tenanted", None, "The runbook runs only for tenants."),
        ("Tenanted", "Acme", ""),
    ],
)
def test_tenants(mode: str, tenant: str | None, reason: str) -> None:
    assert why_not_with({"MultiTenancyMode": mode}, tenant) == reason


def test_a_runbook_may_run_without_targets_unless_it_says_otherwise() -> None:
    assert settings_of_runbook({}).allow_no_targets is True
    policy = {"ConnectivityPolicy": {"AllowDeploymentsToNoTargets": False}}
    assert settings_of_runbook(policy).allow_no_targets is False
    assert runbook_document({})["RunRetentionPolicy"]["QuantityToKeep"] == 100

"""Where and for whom a runbook may run, and how runs are carried out: projects.md 11.1, 11.2."""

from typing import Any

import pytest

from deployments.projects.runbooks import settings_of_runbook, why_not_there, why_not_with
from tests.support.cases import case_name, cases


@pytest.mark.parametrize("case", cases("runbooks", "environments"), ids=case_name)
def test_environments(case: dict[str, Any]) -> None:
    found = why_not_there(case["settings"], "Environments-1", case["lifecycles"])
    assert found == case["reason"]


@pytest.mark.parametrize("case", cases("runbooks", "tenants"), ids=case_name)
def test_tenants(case: dict[str, Any]) -> None:
    assert why_not_with(case["settings"], case["tenant"]) == case["reason"]


@pytest.mark.parametrize("case", cases("runbooks", "settings"), ids=case_name)
def test_settings(case: dict[str, Any]) -> None:
    found = settings_of_runbook(case["settings"])
    assert {name: getattr(found, name) for name in case["expected"]} == case["expected"]

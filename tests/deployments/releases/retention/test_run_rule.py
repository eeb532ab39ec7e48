"""Which runs of a runbook retention keeps and why (projects.md 11.1, 11.2)."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deployments.projects.retention import RetentionPolicy
from deployments.projects.runbooks import run_retention
from deployments.releases.retention.run_rule import RunCandidate, RunKeeper
from tests.support.cases import case_name, cases

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
_RUN = re.compile(r"(\d+)>(\d+)(?:/(\d+))?(?: ([\d.]+))?( Executing)?")


def candidate(text: str) -> RunCandidate:
    found = _RUN.fullmatch(text)
    assert found is not None
    number, environment, tenant, days, state = found.groups()
    created = NOW - timedelta(days=float(days or 0))
    return RunCandidate(int(number), int(environment), int(tenant or 0), created, bool(state))


@pytest.mark.parametrize("case", cases("retention", "runs"), ids=case_name)
def test_verdicts(case: dict[str, Any]) -> None:
    policy = RetentionPolicy(case["policy"].get("quantity", 0), case["policy"].get("unit", "Items"))
    keeper = RunKeeper(policy, NOW)
    found = [keeper.judge(candidate(text)) for text in case["runs"]]
    assert {str(each.candidate.number): str(each.reason) for each in found} == case["verdicts"]
    assert all(each.words for each in found)
    assert all(each.is_kept == (each.reason not in {"BeyondCount", "TooOld"}) for each in found)


@pytest.mark.parametrize("case", cases("retention", "run_policies"), ids=case_name)
def test_the_policy_of_a_runbook(case: dict[str, Any]) -> None:
    settings = {"RunRetentionPolicy": case["stored"]} if case["stored"] else {}
    found = run_retention(settings, RetentionPolicy(*case["default"]))
    assert [found.quantity, found.unit] == case["expected"]

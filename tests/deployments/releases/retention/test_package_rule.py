"""Which packages and which build information retention keeps and why (projects.md 8.7, 8.8)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deployments.projects.retention import RetentionPolicy
from deployments.releases.retention.package_rule import (
    PackageCandidate,
    PackageVerdict,
    judge_build,
    judge_package,
    may_become,
)
from tests.support.cases import case_name, cases

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


def candidate(case: dict[str, Any]) -> PackageCandidate:
    since = NOW - timedelta(days=case["age"])
    users = case.get("used_by", ""), case.get("maybe_used_by", "")
    return PackageCandidate(1, "Acme.Web", "1.0.0", since, *users)


def check(verdict: PackageVerdict, expected: str) -> None:
    assert str(verdict.reason) == expected
    assert verdict.is_kept == (expected != "TooOld")
    assert verdict.words


@pytest.mark.parametrize("case", cases("retention", "packages"), ids=case_name)
def test_packages(case: dict[str, Any]) -> None:
    policy = RetentionPolicy(case["days"], "Days")
    check(judge_package(candidate(case), policy, NOW), case["verdict"])


@pytest.mark.parametrize("case", cases("retention", "builds"), ids=case_name)
def test_build_information(case: dict[str, Any]) -> None:
    policy = RetentionPolicy(case["days"], "Days")
    verdict = judge_build(
        candidate(case),
        policy,
        NOW,
        has_package=case.get("has_package", False),
        is_of_feed=case.get("is_of_feed", False),
    )
    check(verdict, case["verdict"])


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("#{Package}", True),
        ("Acme.#{Name}", True),
        ("acme.#{Name}.web", False),
        ("#{Company}.Web", True),
        ("#{Company}.Api", False),
        ("Other.#{Name}", False),
        ("Acme#{if Beta}.Beta#{/if}.Web", True),
        ("Acme.We#{if Beta}.Beta#{/if}.Web", False),
        ("Acme.W#{x}eb", True),
        ("Acme.Web#{x}Web", False),
    ],
)
def test_a_package_id_with_expressions_may_become_another(template: str, expected: bool) -> None:
    assert may_become(template, "Acme.Web") is expected

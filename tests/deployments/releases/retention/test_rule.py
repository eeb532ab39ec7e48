"""Which releases retention keeps and why (projects.md 8.6)."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deployments.projects.retention import (
    KEEP_EVERYTHING,
    RetentionPolicy,
    policies_of_phases,
    policy_from_json,
    policy_to_json,
)
from deployments.releases.retention.rule import (
    Candidate,
    Deployed,
    Keeper,
    LifecycleRule,
    PhaseRule,
    Protection,
)
from tests.support.cases import case_name, cases

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
_DEPLOYMENT = re.compile(r"(\d+)>(\d+)(?:/(\d+))?(?: (\w+))?")


def policy_of(table: dict[str, Any]) -> RetentionPolicy:
    return RetentionPolicy(table.get("quantity", 0), table.get("unit", "Items"))


def own_policy(table: dict[str, Any]) -> dict[str, Any] | None:
    return policy_to_json(policy_of(table)) if table.keys() & {"quantity", "forever"} else None


def deployed(text: str, channels: dict[int, int]) -> Deployed:
    found = _DEPLOYMENT.fullmatch(text)
    assert found is not None
    release, environment, tenant, state = found.groups()
    return Deployed(
        release=int(release),
        environment=int(environment),
        tenant=int(tenant or 0),
        channel=channels[int(release)],
        is_success=state is None,
        is_under_way=state == "Executing",
    )


@pytest.mark.parametrize("case", cases("retention", "releases"), ids=case_name)
def test_verdicts(case: dict[str, Any]) -> None:
    lifecycle = policy_of(case["lifecycle"])
    phases = [(str(at), own_policy(phase)) for at, phase in enumerate(case["phases"])]
    policies = policies_of_phases(phases, policy_to_json(lifecycle))
    rule = LifecycleRule(
        lifecycle,
        [
            PhaseRule(f"Phase {at}", frozenset(phase["environments"]), each.policy)
            for at, (phase, each) in enumerate(zip(case["phases"], policies, strict=True))
        ],
    )
    channels = {
        row["n"]: row.get("channel", 0) if case.get("discrete") else 0 for row in case["releases"]
    }
    found = [deployed(text, channels) for text in case["deployments"]]
    protection = Protection()
    for each in found:
        protection.see(each)
    keepers = {channel: Keeper(rule, protection, {}, NOW) for channel in set(channels.values())}
    verdicts = {}
    for row in case["releases"]:
        candidate = Candidate(
            number=row["n"],
            version=f"1.0.{row['n']}",
            channel=channels[row["n"]],
            last_used=NOW - timedelta(days=row.get("days", 0)),
            environments=frozenset(x.environment for x in found if x.release == row["n"]),
            held_by=row.get("held", ""),
        )
        verdict = keepers[channels[row["n"]]].judge(candidate)
        assert verdict.words
        assert verdict.is_kept == (verdict.reason not in {"BeyondCount", "TooOld"})
        verdicts[str(row["n"])] = str(verdict.reason)
    assert verdicts == case["verdicts"]


def test_a_policy_may_be_the_default_of_the_space() -> None:
    default = RetentionPolicy(30, "Days")
    assert policy_from_json({"Strategy": "Default"}, default) == default
    assert policy_from_json(None, default) == KEEP_EVERYTHING
    found = policies_of_phases([("Dev", {"Strategy": "Default"})], None, default)
    assert [each.policy for each in found] == [default]


def test_the_words_say_where_and_how_many() -> None:
    phases = [
        PhaseRule("Test", frozenset({1}), RetentionPolicy(1)),
        PhaseRule("Live", frozenset({2}), KEEP_EVERYTHING),
    ]
    protection = Protection()
    for release in (5, 4):
        protection.see(Deployed(release, 1, 0))
    keeper = Keeper(LifecycleRule(KEEP_EVERYTHING, phases), protection, {1: "Staging"}, NOW)
    words = [
        keeper.judge(Candidate(number, str(number), 0, NOW, frozenset({1}))).words
        for number in (5, 4, 3, 2)
    ]
    assert words == [
        "current in Staging",
        "the one to go back to in Staging",
        "Test: number 1 of 1",
        "Test: 1 release kept already",
    ]

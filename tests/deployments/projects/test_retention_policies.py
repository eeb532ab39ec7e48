"""Retention policies of lifecycles: their shapes and what phases take over."""

from typing import Any

import pytest

from deployments.projects.retention import (
    InvalidRetention,
    policies_of_phases,
    policy_from_json,
)
from tests.deployments.calls import S, send
from tests.factories import make_ana
from tests.factories.domain import make_environment, make_lifecycle
from tests.support.cases import case_name, cases
from tests.support.portal import Visitor, text_of


@pytest.mark.parametrize("case", cases("lifecycles", "retention"), ids=case_name)
def test_what_phases_follow(case: dict[str, Any]) -> None:
    found = policies_of_phases(
        [(name, policy) for name, policy in case["phases"]], case["lifecycle"]
    )
    assert [[each.policy.words, each.source] for each in found] == case["policies"]


@pytest.mark.parametrize("case", cases("lifecycles", "wrong_retention"), ids=case_name)
def test_wrong_policies(case: dict[str, Any]) -> None:
    with pytest.raises(InvalidRetention, match=case["error"]):
        policy_from_json(case["policy"])


@pytest.mark.django_db
def test_wrong_policies_over_rest() -> None:
    body = {"Name": "Wrong", "ReleaseRetentionPolicy": {"Strategy": "Sometimes"}}
    status, answer = send(make_ana(), "post", f"{S}/lifecycles", body)
    assert (status, answer["Errors"]) == (
        400,
        ["Strategy must be one of Default, Forever, Count."],
    )


@pytest.mark.django_db
def test_the_editor_keeps_priority_and_retention() -> None:
    dev, prod = make_environment("Dev"), make_environment("Prod")
    lifecycle = make_lifecycle(dev, prod, name="Two steps")
    ana = Visitor(make_ana())
    path = f"projects/lifecycles/{lifecycle.public_id}"
    sent = {
        "name": "Two steps",
        "releases-keep": "items",
        "releases-quantity": "3",
        "targets-keep": "forever",
        "phases": "2",
        "phase-0-name": "Dev",
        f"phase-0-at-{dev.public_id}": "automatic",
        "phase-1-name": "Prod",
        "phase-1-priority": "on",
        f"phase-1-at-{prod.public_id}": "manual",
        "phase-1-releases-keep": "days",
        "phase-1-releases-quantity": "30",
        "phase-1-targets-keep": "items",
        "phase-1-targets-quantity": "2",
    }
    assert ana.post(path, sent).status_code == 302
    first, second = lifecycle.phases.order_by("position")
    lifecycle.refresh_from_db()
    assert policy_from_json(lifecycle.release_retention).words == "3 releases"
    assert (first.release_retention, first.is_priority) == (None, False)
    assert policy_from_json(second.release_retention).words == "30 days"
    assert second.is_priority
    assert policy_from_json(second.tentacle_retention).quantity == 2
    page = ana.get(path).content.decode()
    assert 'name="phase-1-releases-quantity" value="30"' in page
    assert 'name="releases-quantity" value="3"' in page
    text = text_of(ana.get("projects/lifecycles"))
    assert "Keeps 3 releases, as the lifecycle says" in text
    assert "Keeps 30 days" in text
    for wrong in ({"releases-quantity": "x"}, {"phase-0-minimum": "one"}):
        assert "must be a number" in text_of(ana.post(path, {**sent, **wrong}))

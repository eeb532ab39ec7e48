"""Where the lifecycle lets a release go, and the words for where it does not."""

from typing import Any

import pytest

from deployments.releases.eligibility import refusal, why_not
from deployments.releases.progression import Phase, progress_of
from tests.support.cases import case_name, cases


@pytest.mark.parametrize("case", cases("progression", "eligibility"), ids=case_name)
def test_eligibility(case: Any) -> None:
    phases = []
    for name, environments, *more in case["phases"]:
        limits = more[0] if more else {}
        phases.append(
            Phase(
                name,
                name,
                tuple(environments),
                limits.get("minimum", 0),
                limits.get("optional", False),
            )
        )
    progression = progress_of(
        phases,
        case["succeeded"],
        has_defect=case.get("defect", False),
        connected=case.get("connected"),
    )
    here = case["environment"]
    assert why_not(progression, here) == case["why"]
    assert refusal(progression, here, version="1.0.0", name="Here") == case["refusal"]

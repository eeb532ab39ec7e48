"""Whether a release may go to an environment for a tenant, by a table."""

from typing import Any

import pytest

from deployments.releases.tenancy.rules import TenantCase, why_not_for
from tests.support.cases import case_name, cases


@pytest.mark.parametrize("case", cases("tenants", "eligibility"), ids=case_name)
def test_eligibility(case: Any) -> None:
    tenant, given = None, case["tenant"]
    if given is not None:
        places = given["environments"]
        tenant = TenantCase(
            "Acme",
            tuple(given.get("tags", ())),
            given.get("disabled", False),
            None if places is None else frozenset(places),
        )
    reason = why_not_for(
        tenant,
        project="Web",
        mode=case["mode"],
        channel="Early",
        channel_tags=case.get("channel_tags", ()),
        environment=1,
        environment_name="Dev",
    )
    assert (reason == "") == (case["says"] == "")
    assert case["says"] in reason

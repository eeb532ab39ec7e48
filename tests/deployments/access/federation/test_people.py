"""What claims say about a person."""

from typing import Any

import pytest

from deployments.access.providers.people import ExternalPerson, person_of
from tests.support.cases import case_name, cases


@pytest.mark.parametrize("case", cases("federation", "people"), ids=case_name)
def test_people(case: dict[str, Any]) -> None:
    claims = {"sub": "1", **case["claims"]}
    found = person_of(
        claims,
        username_claim=case.get("username_claim", "preferred_username"),
        group_claim=case.get("group_claim", "groups"),
    )
    assert {name: value_of(found, name) for name in case["person"]} == case["person"]


def value_of(person: ExternalPerson, name: str) -> Any:
    value = getattr(person, name)
    return list(value) if name == "groups" else value

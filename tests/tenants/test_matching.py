"""Whom tags mean and which targets take part, by tables."""

from typing import Any

import pytest

from tenants.matching import is_chosen, matches_tags, target_takes_part
from tests.support.cases import case_name, cases


@pytest.mark.parametrize("case", cases("tenants", "matching"), ids=case_name)
def test_tags_are_or_within_a_set_and_and_across_sets(case: Any) -> None:
    assert matches_tags(case["wanted"], case["carried"]) is case["matches"]


@pytest.mark.parametrize("case", cases("tenants", "targets"), ids=case_name)
def test_which_targets_take_part(case: Any) -> None:
    found = target_takes_part(
        case["participation"],
        tenants=case["tenants"],
        tags=case["tags"],
        tenant=case["tenant"],
        carried=case["carried"],
    )
    assert found is case["takes_part"]


def test_named_tenants_are_united_with_those_of_the_tags() -> None:
    chosen = {"tenants": ["Tenants-1"], "tags": ["Ring/Alpha"]}
    assert is_chosen("tenants-1", [], **chosen)
    assert is_chosen("Tenants-2", ["Ring/Alpha"], **chosen)
    assert not is_chosen("Tenants-3", ["Ring/Beta"], **chosen)

"""Mistakes that are found in templates before anything runs."""

from typing import Any

import pytest

from agent.language.checking import MOST_FINDINGS, KnownNames, check_template
from tests.support.cases import case_name, cases

KNOWN = KnownNames.of(["Port", "Database.Host", "Database.Name", "Servers[web].Name"])


@pytest.mark.parametrize("case", cases("checking", "templates"), ids=case_name)
def test_templates(case: dict[str, Any]) -> None:
    assert check_template(case["text"], KNOWN.has) == case["says"]


def test_a_hostile_text_is_given_up() -> None:
    for text in ("#{if a}" * 10_000, "#{" * 45_000, "#{a[" * 20_000, "#{a | b " * 10_000):
        assert 0 < len(check_template(text, KNOWN.has)) <= MOST_FINDINGS
    assert check_template("#{x}" * 30_000, KNOWN.has) == ["The text is too long to be checked."]

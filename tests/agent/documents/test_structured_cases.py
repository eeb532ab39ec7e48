"""Values put into configuration files, by the tables of cases."""

from collections.abc import Callable
from typing import Any

import pytest

from agent.runtime.documents.common import BadValue, BrokenDocument
from agent.runtime.documents.formats import REPLACERS
from tests.support.cases import case_name, cases

ALL = [
    pytest.param(replace, case, id=f"{name}: {case_name(case)}")
    for name, replace in REPLACERS.items()
    for case in cases("structured", name.lower())
]


@pytest.mark.parametrize(("replace", "case"), ALL)
def test_values_are_put_in(replace: Callable[..., Any], case: dict[str, Any]) -> None:
    if "error" in case:
        with pytest.raises((BrokenDocument, BadValue)) as raised:
            replace(case["text"], case["variables"])
        assert str(raised.value) == case["error"]
        return
    outcome = replace(case["text"], case["variables"])
    assert outcome.text == case["expected"]
    assert "\n".join(outcome.warnings).startswith(case.get("warning", ""))
    assert bool(outcome.warnings) is ("warning" in case)
    if "replaced" in case:
        assert outcome.replaced == case["replaced"]

"""The language against tables of templates, one file of cases per subject."""

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from agent import language
from agent.language import Environment, evaluate

CASES = Path(__file__).parents[2] / "cases" / "language"
NOW = datetime(2016, 11, 3, 8, 53, 11, 94644, timezone(timedelta(hours=2)))
CULTURES = {each.name: each for each in (language.INVARIANT, language.AMERICAN)}
ENVIRONMENTS = {
    name: Environment(now=lambda: NOW, culture=culture) for name, culture in CULTURES.items()
}


def cases() -> list[Any]:
    return [
        pytest.param(path.stem, case, id=f"{path.stem}-{index}")
        for path in sorted(CASES.glob("*.json"))
        for index, case in enumerate(json.loads(path.read_text(encoding="utf-8")))
    ]


@pytest.mark.parametrize(("subject", "case"), cases())
def test_case(subject: str, case: dict[str, Any]) -> None:
    template, variables = case["template"], case.get("variables", {})
    environment = ENVIRONMENTS[case.get("culture", "")]
    if "raises" in case:
        with pytest.raises(getattr(language, case["raises"]), match=case["message"]):
            evaluate(template, variables, environment=environment)
        return
    result = evaluate(
        template, variables, halt_on_error=subject != "continue", environment=environment
    )
    if case.get("unresolved"):
        assert len(result.missing) == 1
        assert result.text == result.missing[0]
        return
    assert result.text == case["text"]
    assert (result.error is not None) is ("error" in case)
    assert result.is_null is case.get("null", False)
    if "missing" in case:
        assert list(result.missing) == case["missing"]

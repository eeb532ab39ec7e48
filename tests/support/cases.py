"""Reading tables of cases."""

import json
from pathlib import Path
from typing import Any

CASES = Path(__file__).parents[1] / "cases"


def cases(subject: str, name: str) -> list[Any]:
    """Return the cases of `tests/cases/{subject}/{name}.json`."""
    loaded: list[Any] = json.loads((CASES / subject / f"{name}.json").read_text())
    return loaded


def case_name(case: Any) -> str:
    """Return a case's name, as its test's id."""
    return str(case["name"])

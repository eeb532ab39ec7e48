"""Reading tables of cases, and those of the documentation."""

import json
import re
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


def documented(text: str) -> dict[str, list[str]]:
    """Return the names that each section of a page of docs/ has in the first column of a table."""
    found = {}
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        heading, _, body = section.partition("\n")
        rows = [line.split("|")[1] for line in body.splitlines() if line.startswith("| `")]
        found[heading] = [name for row in rows for name in re.findall(r"`([^`]+)`", row)]
    return found


def system_variables() -> str:
    """Return docs/system-variables.md."""
    return (CASES.parents[1] / "docs/system-variables.md").read_text()


def general(name: str) -> str:
    """Return the name of a variable without what stands in brackets, in lower case."""
    return re.sub(r"\[[^\]]*\]", "[]", name).lower()

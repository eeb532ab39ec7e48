"""The tables of rules in docs name tests that exist, and what is missing only gets less."""

import ast
import json
import math
import re
from functools import cache

import pytest

from tests.architecture.tree import ROOT

# How tests/support/cases.py is asked for a file.
_CALLS = re.compile(r'cases\("(\w+)", "(\w+)"\)')
# The share of rules without a test, in percent. Lower it when rules are built; never raise it.
MOST_MISSING = 2

_TABLE = "docs/execution-rules.md"
_TABLES = (_TABLE, "docs/release-rules.md", "docs/triggers.md", "docs/runbooks.md")
_ID = re.compile(r"P(?:2|6|7|8|9|10|11|12|13)\.\d+-\d+")
_TEST = re.compile(r"`(?P<path>tests/[\w/]+\.py)::(?P<name>test_\w+)(?:\[(?P<case>[^\]]+)\])?`")
_MISSING = re.compile(r"missing: \S.+")
_CASES = re.compile(r"tests/cases/[\w/]+\.json")


def rows(*tables: str) -> list[tuple[str, str, str]]:
    texts = [(ROOT / table).read_text(encoding="utf-8") for table in tables or _TABLES]
    lines = [line for text in texts for line in text.splitlines()]
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in lines
        if line.startswith("| P")
    ]
    assert all(len(row) == 3 for row in cells)
    return [(row[0], row[1], row[2]) for row in cells]


@cache
def functions_of(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"), path)
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, kinds))


@cache
def cases_of(path: str) -> frozenset[str]:
    """Return the names of the cases in the files that the module reads."""
    names: set[str] = set()
    source = (ROOT / path).read_text(encoding="utf-8")
    folders = [f"tests/cases/{folder}/{name}.json" for folder, name in _CALLS.findall(source)]
    for file in [*_CASES.findall(source), *folders]:
        document = json.loads((ROOT / file).read_text(encoding="utf-8"))
        cases = document["cases"] if isinstance(document, dict) else document
        names.update(case["name"] for case in cases)
    return frozenset(names)


def problem_of(shown_by: str) -> str:
    """Return what is wrong with the last cell of a row, or nothing."""
    if _MISSING.fullmatch(shown_by):
        return ""
    found = _TEST.fullmatch(shown_by)
    if found is None:
        return "neither a test nor a reason"
    path, name, case = found["path"], found["name"], found["case"]
    if not (ROOT / path).is_file():
        return f"{path} does not exist"
    if name not in functions_of(path):
        return f"{path} has no {name}"
    if case and case not in cases_of(path):
        return f"{path} has no case '{case}'"
    return ""


def test_ids_are_unique_and_well_formed() -> None:
    ids = [rule_id for rule_id, _, _ in rows()]
    assert ids
    assert len(set(ids)) == len(ids)
    assert [rule_id for rule_id in ids if not _ID.fullmatch(rule_id)] == []


def test_every_rule_has_a_test_or_a_reason() -> None:
    problems = {rule_id: problem_of(shown) for rule_id, _, shown in rows() if problem_of(shown)}
    assert not problems


@pytest.mark.parametrize(
    "shown_by",
    [
        "",
        "missing:",
        "`tests/nowhere.py::test_nothing`",
        "`tests/architecture/test_sizes.py::test_nothing`",
        "`tests/deployments/execution/test_decide.py::test_decision[no such case]`",
    ],
)
def test_what_shows_nothing_is_found(shown_by: str) -> None:
    assert problem_of(shown_by)


def test_what_is_missing_gets_less() -> None:
    """The ceiling is the share of today, rounded up: it follows every rule that is built."""
    table = rows(_TABLE)
    missing = [rule_id for rule_id, _, shown in table if shown.startswith("missing:")]
    share = math.ceil(100 * len(missing) / len(table))
    print(f"{len(missing)} of {len(table)} rules are missing ({share} %)")
    assert share == MOST_MISSING

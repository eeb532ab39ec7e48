"""The table of lessons names tests that exist, and leaves no advisory out."""

import json

from tests.architecture.test_execution_rules import problem_of
from tests.architecture.tree import ROOT

TABLE = ROOT / "docs/security-lessons.md"
ADVISORIES = ROOT / "tests/cases/security/advisories.json"
FOUND_HERE = "found here"


def rows() -> list[list[str]]:
    """Return id, mistake, advisories and tests of each row."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if row[0].startswith("L") and row[0][1:].isdigit()]


def test_every_lesson_is_shown_by_tests_that_exist() -> None:
    assert rows()
    assert [row[0] for row in rows()] == [f"L{number + 1}" for number in range(len(rows()))]
    problems = {
        row[0]: problem
        for row in rows()
        for shown in row[3].replace("`, `", "`\n`").splitlines()
        if (problem := problem_of(shown))
    }
    assert not problems


def test_every_advisory_stands_in_one_lesson() -> None:
    told = [name for row in rows() for name in _names(row[2])]
    known = json.loads(ADVISORIES.read_text(encoding="utf-8"))
    assert sorted(told) == sorted(known)


def _names(cell: str) -> list[str]:
    if cell == FOUND_HERE:
        return []
    return cell.split(", ")

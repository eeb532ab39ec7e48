"""docs/faults.md names tests that exist, and the number of faults that are made only rises."""

import re

import pytest

from tests.architecture.test_execution_rules import functions_of
from tests.architecture.tree import ROOT

# Every row that gets its test raises this; never lower it.
COVERED = 123

FAMILIES = {"K": 32, "N": 17, "D": 12, "L": 16, "C": 12, "T": 3, "R": 13, "S": 10, "U": 5, "P": 5}
_TABLE = ROOT / "docs/faults.md"
_ROW = re.compile(r"\| (?P<id>[A-Z]\d+) \| (?P<fault>[^|]+) \| (?P<shown>[^|]+) \|")
_TEST = re.compile(r"`(?P<path>tests/[\w/]+\.py)::(?P<name>test_\w+)`")
_MISSING = re.compile(r"missing: \S.+")


def rows() -> dict[str, str]:
    """Return what shows each fault."""
    lines = _TABLE.read_text(encoding="utf-8").splitlines()
    found = [_ROW.fullmatch(line) for line in lines if re.match(r"\| [A-Z]\d", line)]
    assert all(found), "a row cannot be read"
    shown = {row["id"]: row["shown"].strip() for row in found if row}
    assert len(shown) == len(found), "an id stands there twice"
    return shown


def problem_of(shown: str) -> str:
    """Return what is wrong with the last cell of a row, or nothing."""
    if _MISSING.fullmatch(shown):
        return ""
    for part in shown.split(", "):
        found = _TEST.fullmatch(part)
        if found is None:
            return f"neither a test nor a reason: {part}"
        if not (ROOT / found["path"]).is_file():
            return f"{found['path']} does not exist"
        if found["name"] not in functions_of(found["path"]):
            return f"{found['path']} has no {found['name']}"
    return ""


def test_every_fault_of_every_family_is_there() -> None:
    wanted = {f"{family}{n}" for family, count in FAMILIES.items() for n in range(1, count + 1)}
    assert set(rows()) == wanted


def test_every_fault_has_tests_or_a_reason() -> None:
    problems = {fault: problem_of(shown) for fault, shown in rows().items() if problem_of(shown)}
    assert not problems


@pytest.mark.parametrize(
    "shown",
    [
        "",
        "missing:",
        "`tests/nowhere.py::test_nothing`",
        "`tests/architecture/test_sizes.py::test_nothing`",
        "`tests/architecture/test_sizes.py::test_files_stay_readable`, and others",
    ],
)
def test_what_shows_nothing_is_found(shown: str) -> None:
    assert problem_of(shown)


def test_more_and_more_faults_are_made() -> None:
    covered = [fault for fault, shown in rows().items() if not shown.startswith("missing:")]
    print(f"{len(covered)} of {sum(FAMILIES.values())} faults have a test")
    assert len(covered) == COVERED

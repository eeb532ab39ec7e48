"""A second try of `make test` forgives what fails by chance, says so, and forgives nothing else."""

import sys
from pathlib import Path

import pytest

from tests.tools import run
from tests.tools.jobs import Job

BY_CHANCE = """
from pathlib import Path
import pytest

@pytest.mark.parametrize("text", ["a - b", "c"])
def test_fails_first(text):
    seen = Path(__file__).with_name(text)
    was_seen = seen.exists()
    seen.touch()
    assert was_seen

def test_passes():
    pass
"""
ALWAYS = "def test_fails():\n    assert False\n"
STOPPED = """
import pytest

def test_stops_the_run():
    pytest.exit("for another reason")
"""


@pytest.mark.parametrize(
    ("files", "passed", "failed", "by_chance"),
    [
        pytest.param({"a": BY_CHANCE}, 3, 0, 2, id="by chance"),
        pytest.param({"a": BY_CHANCE, "b": ALWAYS}, 1, 3, 0, id="one of them always"),
        pytest.param({"a": BY_CHANCE, "b": BY_CHANCE}, 2, 4, 0, id="too many"),
    ],
)
def test_second_try(
    files: dict[str, str],
    passed: int,
    failed: int,
    by_chance: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OCTOPUS_TEST_SECOND_TRY", "1")
    outcome = run._run(_job(tmp_path, files))
    assert outcome.counts == {"passed": passed, "failed": failed}
    assert len(outcome.by_chance) == by_chance
    assert bool(outcome.problem) == bool(failed)
    assert all("::test_fails_first" in test for test in outcome.by_chance)


def test_without_the_setting_one_failure_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OCTOPUS_TEST_SECOND_TRY", raising=False)
    outcome = run._run(_job(tmp_path, {"a": BY_CHANCE}))
    assert outcome.counts == {"passed": 1, "failed": 2}
    assert outcome.problem


def test_a_run_that_did_not_end_gets_no_second_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTOPUS_TEST_SECOND_TRY", "1")
    outcome = run._run(_job(tmp_path, {"a": BY_CHANCE, "b": STOPPED}))
    assert outcome.counts["failed"] == 2
    assert outcome.by_chance == []
    assert outcome.problem


def _job(folder: Path, files: dict[str, str]) -> Job:
    for name, content in files.items():
        (folder / name).mkdir()
        (folder / name / f"test_{name}.py").write_text(content)
    (folder / "pytest.ini").write_text("[pytest]\n")
    pytest_command = [sys.executable, "-m", "pytest", "-q", str(folder)]
    return Job("trial", [pytest_command], {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}, is_tests=True)

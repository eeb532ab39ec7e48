"""What `make test` runs: the checks of the source, then the groups of tests."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

BIN = Path(sys.executable).parent
SETTINGS = {"DJANGO_SETTINGS_MODULE": "tests.settings"}


@dataclass(frozen=True)
class Job:
    """One check or one group of tests.

    `needs` names tools of tests/tools/install.py.
    """

    name: str
    commands: Sequence[Sequence[str]]
    environment: Mapping[str, str] = field(default_factory=dict)
    needs: Sequence[str] = ()
    is_tests: bool = False


def _check(name: str, *commands: str, environment: Mapping[str, str] | None = None) -> Job:
    split = [command.split() for command in commands]
    lines = [[str(BIN / program), *rest] for program, *rest in split]
    return Job(name, lines, environment or {})


def _group(
    name: str, *needs: str, options: str = "", environment: Mapping[str, str] | None = None
) -> Job:
    # Each group remembers its own failures, for the second try of tests/tools/run.py.
    memory = f"cache_dir=.pytest_cache/{name}"
    pytest = [str(BIN / "python"), "-m", "pytest", "-q", f"--group={name}", "-o", memory]
    pytest += options.split()
    return Job(name, [pytest], environment or {}, needs, is_tests=True)


# The longest first, so that the lanes end together.
JOBS = (
    _group(
        "postgres",
        "postgresql",
        options="--whole-run",
        environment={"OCTOPUS_TEST_DATABASE": "postgres"},
    ),
    _group("sqlite", options="--whole-run"),
    # Its tests wait most of the time, so two of them share a lane.
    _group("agent", options="-n 2 --dist loadfile"),
    _group("browser", "chromium"),
    _group("clients", "nuget", "nginx", "dotnet", "node", "api-client", "oidc-provider", "slapd"),
    _group("unit"),
    _group("faults"),
    _check("demo", "python tests/tools/demo.py"),
    _check("types", "mypy --no-color-output"),
    _group("s3", "swift"),
    _check(
        "lint",
        "ruff check . --output-format concise",
        "ruff format --check .",
        "djlint templates --lint --quiet",
        "codespell",
    ),
    _check("contracts", "lint-imports"),
    _check("audit", "python tests/tools/audit.py"),
    _check("migrations", "python manage.py makemigrations --check --dry-run", environment=SETTINGS),
    _group("redis"),
)

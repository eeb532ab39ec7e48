"""Which group a test belongs to: seen from its fixtures and folder, so nobody need write it."""

from pathlib import Path

import pytest
from django.test import TransactionTestCase

from tests.support.environment import runs_on_postgres
from tests.support.faults import is_thorough

# The first group that fits wins.
FIXTURES = {
    "browser": {"browser", "browser_context", "page"},
    "clients": {"nuget", "dotnet", "node", "real_provider", "ldap_server"},
    "s3": {"swift"},
    "agent": {"processes", "octopus", "octopus_server"},
    "redis": {"redis_server", "redis_url"},
    "postgres": {"postgres_url"},
}
FOLDERS = ("faults", "browser", "clients")
# The pure parts of the agent; the rest of tests/agent starts real processes.
KERNEL = {"contracts", "documents", "language", "patches", "patterns", "versions"}
GROUPS = ("faults", "browser", "clients", "agent", "s3", "redis", "postgres", "sqlite", "unit")
# Seconds that one test may take.
PATIENCE = {"faults": 900, "browser": 300, "clients": 300, "agent": 300, "s3": 300}
# A whole run makes each database test once: here on PostgreSQL, the others on SQLite, which the
# servers of the other groups use too.
ON_POSTGRES = (
    "tests/deployments/base/",
    "tests/deployments/execution/",
    "tests/deployments/gateway/",
    "tests/deployments/insights/",
    "tests/deployments/releases/automation/",
    "tests/deployments/releases/runbooks/",
    "tests/deployments/server_tasks/",
    "tests/packages_feed/",
    "tests/octopus_site/backup/",
    "tests/security/test_changing_the_master_key.py",
)
# SQL of our own, locks, competing writers.
ON_BOTH = (
    "tests/deployments/base/",
    "tests/deployments/gateway/",
    "tests/deployments/server_tasks/",
    "tests/octopus_site/backup/",
    "tests/security/test_changing_the_master_key.py",
)
_WITHOUT_SERVICES = {"unit", "sqlite", "postgres"}
_DATABASE_FIXTURES = {"db", "transactional_db", "live_server"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--group`."""
    parser.addoption(
        "--group",
        default="",
        help=f"run only these groups, comma separated: {', '.join(GROUPS)}",
    )
    parser.addoption(
        "--whole-run",
        action="store_true",
        help="leave the tests to the other database that have their turn there",
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even read a file none of whose tests can be in the chosen groups."""
    chosen = _chosen(config)
    if not chosen or not collection_path.name.startswith("test_"):
        return None
    parts = collection_path.relative_to(config.rootpath).parts
    if chosen <= _WITHOUT_SERVICES:
        return _is_of_another_group(collection_path, config) or None
    if not all(group in FIXTURES or group in FOLDERS for group in chosen) or "postgres" in chosen:
        return None
    words = chosen.union(*(FIXTURES.get(group, ()) for group in chosen))
    if words & set(parts):
        return None
    folders = [config.rootpath.joinpath(*parts[:depth]) for depth in range(2, len(parts))]
    files = [collection_path, *(folder / "conftest.py" for folder in folders)]
    texts = [file.read_text(encoding="utf-8") for file in files if file.is_file()]
    return not any(word in text for text in texts for word in words)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark every test with its group, give slow groups their time, keep the chosen groups."""
    chosen = _chosen(config)
    unknown = chosen - set(GROUPS)
    if unknown:
        raise pytest.UsageError(f"no such group: {', '.join(sorted(unknown))}")
    is_whole = config.getoption("whole_run")
    kept: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    for item in items:
        group, path = group_of(item), item.path.relative_to(config.rootpath)
        if not item.get_closest_marker(group):
            item.add_marker(group)
        if group in PATIENCE and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(PATIENCE[group]))
        is_wanted = _is_chosen(group, chosen) and (is_thorough() or not _takes_long(item))
        is_wanted = is_wanted and (not is_whole or group != "sqlite" or _has_its_turn(path))
        (kept if is_wanted else left_out).append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept


def group_of(item: pytest.Item) -> str:
    """Return the one group of a test: its own marker, else its folder, else its fixtures."""
    for name in GROUPS:
        if item.get_closest_marker(name):
            return name
    folders = item.path.relative_to(item.config.rootpath).parts
    for name in FOLDERS:
        if name in folders[:2]:
            return name
    if folders[1] == "agent" and folders[2] not in KERNEL:
        return "agent"
    fixtures = set(getattr(item, "fixturenames", ()))
    for name, names in FIXTURES.items():
        if fixtures & names:
            return name
    return "sqlite" if _uses_database(item, fixtures) else "unit"


def _is_of_another_group(file: Path, config: pytest.Config) -> bool:
    """Tell whether a file has no test of the groups without services that are chosen."""
    path = file.relative_to(config.rootpath)
    folder = path.parts[1]
    if folder in FOLDERS or (folder == "agent" and path.parts[2] not in KERNEL):
        return True
    if not config.getoption("whole_run") or "unit" in _chosen(config) or _has_its_turn(path):
        return False
    return "postgres" not in _chosen(config) or "postgres" not in file.read_text(encoding="utf-8")


def _has_its_turn(file: Path) -> bool:
    path = file.as_posix()
    if runs_on_postgres():
        return path.startswith(ON_POSTGRES)
    return path.startswith(ON_BOTH) or not path.startswith(ON_POSTGRES)


def _takes_long(item: pytest.Item) -> bool:
    return item.get_closest_marker("thorough") is not None


def _uses_database(item: pytest.Item, fixtures: set[str]) -> bool:
    case = getattr(item, "cls", None)
    return bool(
        item.get_closest_marker("django_db")
        or fixtures & _DATABASE_FIXTURES
        or (isinstance(case, type) and issubclass(case, TransactionTestCase))
    )


def _chosen(config: pytest.Config) -> set[str]:
    return {name for name in config.getoption("group").split(",") if name}


def _is_chosen(group: str, chosen: set[str]) -> bool:
    if group == "postgres" and not chosen:
        return runs_on_postgres()
    # The group `postgres` is the database tests once more, and those for PostgreSQL alone.
    return not chosen or group in chosen or (group == "sqlite" and "postgres" in chosen)

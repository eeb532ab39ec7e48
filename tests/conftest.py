"""Fixtures that any test may ask for, and the groups of tests."""

import gc
import shutil
from collections.abc import Generator, Iterator

import hypothesis
import pytest
from django.conf import settings
from pytest_django import DjangoDbBlocker

from deployments.execution import variables as engine_variables
from deployments.execution.logs import search
from deployments.execution.services.retention import passing
from deployments.releases.previewing import variables as previewed_variables
from tests.support.browser import browser, browser_context, page
from tests.support.clients import dotnet, node, nuget
from tests.support.environment import runs_on_postgres
from tests.support.faults import (
    fault_random,
    fault_rounds,
    is_thorough,
    pytest_terminal_summary,
)
from tests.support.flushing import keep_first_rows, nothing_remembered
from tests.support.groups import (
    pytest_addoption,
    pytest_collection_modifyitems,
    pytest_ignore_collect,
)
from tests.support.identity_provider import real_provider
from tests.support.migrated import migrated_database
from tests.support.postgres import postgres_url
from tests.support.processes import Processes, processes, session_processes
from tests.support.redis import redis_server, redis_url
from tests.support.server import octopus
from tests.support.swift import swift

__all__ = [
    "browser",
    "browser_context",
    "dotnet",
    "fault_random",
    "fault_rounds",
    "node",
    "nothing_remembered",
    "nuget",
    "octopus",
    "page",
    "postgres_url",
    "processes",
    "pytest_addoption",
    "pytest_collection_modifyitems",
    "pytest_ignore_collect",
    "pytest_terminal_summary",
    "real_provider",
    "redis_server",
    "redis_url",
    "session_processes",
    "swift",
]

# Modules, models and tests are some hundred thousand objects; to look for garbage among them again
# and again takes more than half of the time in which they are loaded.
gc.disable()

# How quick the machine is must not decide a test, and chance only where new examples are sought.
hypothesis.settings.register_profile(
    "untimed",
    deadline=None,
    derandomize=not is_thorough(),
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("untimed")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Leave what is there out of collections of garbage, which begin with the first test."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """Let the database of the tests begin as a copy of one that is migrated."""
    if runs_on_postgres():
        return False
    shutil.copyfile(migrated_database(), settings.OCTOPUS.data_dir / "test.sqlite3")
    return True


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Let tests that commit end with the rows that the database has now."""
    with django_db_blocker.unblock():
        keep_first_rows()


@pytest.fixture(scope="session", autouse=True)
def unhurried() -> Iterator[None]:
    """Let the server do in one go what it does for some seconds at a time, however busy we are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passing, "_AT_A_TIME_S", 120.0)
        patch.setattr(search, "MOST_SECONDS", 120.0)
        for each in (engine_variables, previewed_variables):
            patch.setattr(each, "_PATIENCE", 120.0)
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: "pytest.CallInfo[None]"
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the logs of a failed test's processes."""
    report = yield
    if report.failed:
        for value in getattr(item, "funcargs", {}).values():
            started = getattr(value, "processes", value)
            if isinstance(started, Processes):
                report.sections.append(("processes", started.report()))
    return report

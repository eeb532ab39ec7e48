"""Fixtures that any test may ask for, and the groups of tests."""

from collections.abc import Generator

import pytest

from tests.support.browser import browser, browser_context, page
from tests.support.clients import dotnet, node, nuget
from tests.support.faults import fault_random, fault_rounds, pytest_terminal_summary
from tests.support.groups import pytest_addoption, pytest_collection_modifyitems
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
    "nuget",
    "octopus",
    "page",
    "postgres_url",
    "processes",
    "pytest_addoption",
    "pytest_collection_modifyitems",
    "pytest_terminal_summary",
    "redis_server",
    "redis_url",
    "session_processes",
    "swift",
]


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

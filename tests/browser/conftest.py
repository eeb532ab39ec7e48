"""Servers: one on a copy of the sample's data, and one where deployments run."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from octopus_site.demo import journey, sample
from octopus_site.demo.client import Client
from tests.browser.pages import find_addresses
from tests.browser.screenshots import filled_folder, sample_server, sign_in
from tests.support.processes import Process, Processes
from tests.support.server import API_KEY, TENTACLE, OctopusServer, make_server


@pytest.fixture(scope="session")
def filled() -> Iterator[Path]:
    """Give the data folder that the servers copy."""
    with filled_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def server(filled: Path) -> Iterator[OctopusServer]:
    """Give the server with the sample's data; what a test changes must not be a page's subject."""
    with sample_server(filled) as running:
        yield running


@pytest.fixture(scope="session")
def addresses(server: OctopusServer) -> dict[str, str]:
    """Give the pages' addresses."""
    return find_addresses(server)


@pytest.fixture
def ana(page: Page, server: OctopusServer) -> Page:
    """Give a page of Ana, who is signed in to the server with the sample's data."""
    sign_in(page.context, server)
    return page


@pytest.fixture(scope="session")
def working_server(
    session_processes: Processes, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OctopusServer]:
    """Give a server where deployments run: the sample project, a package and two agents."""
    folder = tmp_path_factory.mktemp("journey")
    running = make_server(session_processes, folder)
    running.start()
    client = Client(running.url, API_KEY)
    journey.prepare_project(client, journey.prepare_environments(client))
    agents = [_agent(session_processes, running, folder, name) for name in sample.MACHINES]
    journey.wait_for_targets(client)
    journey.push_package(client)
    yield running
    for agent in agents:
        agent.terminate()
    if running.main:
        running.main.terminate()


def _agent(processes: Processes, server: OctopusServer, folder: Path, name: str) -> Process:
    home = folder / "agents" / name
    environments = [part for each in sample.ENVIRONMENTS for part in ("--environment", each)]
    registration = processes.start(
        f"register-{name}",
        [
            *(TENTACLE, "register", "--server", server.url, "--home", home, "--name", name),
            *("--role", sample.ROLE, *environments),
        ],
        environment={"TENTACLE_API_KEY": API_KEY},
    )
    assert registration.wait_for_exit() == 0, registration.log()
    return processes.start(f"tentacle-{name}", [TENTACLE, "run", "--home", home])

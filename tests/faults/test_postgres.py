"""PostgreSQL is killed, and its connections are cut, while deployments run."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

import psycopg
import pytest

from octopus_site.pooling import POOL_SIZE
from tests.faults.lab import Lab
from tests.support import postgres
from tests.support.processes import Processes
from tests.support.server import API_KEY

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    found, stop = postgres.start()
    with psycopg.connect(found, autocommit=True) as connection:
        # What is committed is on the disk, as on any server but one for tests.
        connection.execute("ALTER ROLE octopus SET synchronous_commit = on")
    yield found
    stop()


@pytest.fixture(scope="module")
def big(
    url: str, session_processes: Processes, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lab]:
    settings = {"OCTOPUS_DATABASE_URL": url}
    made = Lab(session_processes, tmp_path_factory.mktemp("postgres"), settings=settings)
    made.start()
    yield made
    made.stop()


def folder_of(url: str) -> Path:
    return Path(parse_qs(urlsplit(url).query)["host"][0])


def kill_and_start_again(big: Lab, url: str) -> None:
    """Kill -9 the server; its sessions end with it. Another one takes the folder over."""
    folder = folder_of(url)
    pid = int((folder / "data" / "postmaster.pid").read_text().split()[0])
    command = Path(f"/proc/{pid}/cmdline").read_bytes().decode().rstrip("\0").split("\0")
    os.kill(pid, signal.SIGKILL)
    with suppress(ChildProcessError):
        os.waitpid(pid, 0)  # as long as nobody has, the next server takes it for alive
    big.note_fault("kill -9 of PostgreSQL")
    end = time.monotonic() + 40
    while time.monotonic() < end:
        user = "postgres" if os.geteuid() == 0 else None
        again = big.processes.start("postgres", command, user=user, working_folder=folder)
        time.sleep(1.5)
        if again.is_running:
            return
    raise AssertionError(f"PostgreSQL does not start again: {again.log()}")


def test_postgresql_is_killed(big: Lab, url: str) -> None:
    made = [big.deploy()]
    big.wait_for_start(made[0][0])
    kill_and_start_again(big, url)
    made.append(big.patiently(big.deploy))
    for deployment_id, task_id in made:
        big.check(deployment_id, big.wait_for_end(task_id))


def test_all_connections_are_cut_again_and_again(big: Lab, url: str) -> None:
    made = [big.deploy(), big.deploy()]
    for _ in range(6):
        time.sleep(0.7)
        with psycopg.connect(url) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )
        big.note_fault("all connections of PostgreSQL cut")
    for deployment_id, task_id in made:
        big.check(deployment_id, big.wait_for_end(task_id))
    assert not big.check_everything_at_rest()


def test_viewers_of_a_task_hold_no_connections(big: Lab, url: str) -> None:
    deployment_id, task_id = big.deploy()
    big.wait_for_start(deployment_id)
    path = f"{big.server.url}/app/Spaces-1/tasks/{task_id}/stream"
    headers = {"X-Octopus-ApiKey": API_KEY}
    with ExitStack() as stack:
        streams = [
            stack.enter_context(urlopen(Request(path, headers=headers), timeout=60))
            for _ in range(3 * POOL_SIZE)
        ]
        with psycopg.connect(url) as connection:
            count = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'octopus'"
            ).fetchone()
        assert count is not None
        assert count[0] < 3 * POOL_SIZE
        ends = [stream.read().endswith(b"event: end\ndata: {}\n\n") for stream in streams]
    assert all(ends)
    big.check(deployment_id, big.wait_for_end(task_id))

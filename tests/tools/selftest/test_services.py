"""The real services of the other tests start, answer and end."""

import sys
from pathlib import Path

import psycopg
import pytest
from botocore.exceptions import ClientError
from django.db import connection
from playwright.sync_api import Page

from deployments.base.redis import command_client
from tests.support.clients import Client
from tests.support.environment import runs_on_postgres
from tests.support.processes import NotReadyError, Processes, free_port, wait_until
from tests.support.swift import S3Store, s3_client

_DETACHING = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
print("started", flush=True)
time.sleep(600)
"""


@pytest.mark.django_db
def test_the_database_is_the_one_of_the_run() -> None:
    assert connection.vendor == ("postgresql" if runs_on_postgres() else "sqlite")
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            assert cursor.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_second_postgres_for_server_processes(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as session:
        assert session.execute("SELECT current_database()").fetchone() == ("octopus",)


def test_redis_is_empty_and_real(redis_url: str) -> None:
    assert redis_url.startswith("unix:")
    assert command_client().dbsize() == 0
    command_client().set("a", "1")
    assert command_client().get("a") == b"1"


def test_swift_keeps_an_object_and_refuses_a_wrong_secret(swift: S3Store) -> None:
    client = s3_client(swift)
    client.put_object(Bucket=swift.bucket, Key="a/b", Body=b"content")
    assert client.get_object(Bucket=swift.bucket, Key="a/b")["Body"].read() == b"content"
    stranger = s3_client(S3Store(swift.endpoint, swift.key, "wrong", "packages", swift.processes))
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        stranger.list_objects_v2(Bucket=swift.bucket)


def test_detached_descendants_end_with_the_test(processes: Processes) -> None:
    process = processes.start("detaching", [sys.executable, "-c", _DETACHING])
    process.wait_for_log("started")
    assert len(processes.descendants()) == 2
    process.kill()
    assert len(processes.descendants()) == 1
    processes.kill_all()
    assert processes.descendants() == []


def test_a_process_that_ends_early_shows_its_log(processes: Processes) -> None:
    process = processes.start("short", [sys.executable, "-c", "print('no luck'); exit(3)"])
    with pytest.raises(NotReadyError, match=r"(?s)ended with 3 .*no luck"):
        process.wait_for_port(free_port())


@pytest.mark.unit
def test_waiting_ends() -> None:
    with pytest.raises(NotReadyError, match=r"rain: not within 0\.3"):
        wait_until(lambda: False, seconds=0.1, what="rain")


def test_chromium_runs_scripts(page: Page) -> None:
    page.set_content("<button onclick=\"this.textContent='done'\">go</button>")
    page.get_by_role("button", name="go").click()
    assert page.get_by_role("button").inner_text() == "done"


def test_nuget_starts(nuget: Client) -> None:
    assert "usage: NuGet" in nuget.run("help").stdout


def test_dotnet_starts(dotnet: Client) -> None:
    assert dotnet.run("--version").stdout.strip() == "3.1.102"


def test_node_has_the_api_client(node: Client, tmp_path: Path) -> None:
    script = tmp_path / "look.js"
    script.write_text(
        'const { Client } = require("@octopusdeploy/api-client"); console.log(typeof Client);'
    )
    assert node.run(str(script)).stdout.strip() == "function"

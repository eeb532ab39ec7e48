"""The turnstile: several writer processes take turns instead of failing or starving."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.db import connection, transaction

from deployments.base.settings_rows import get_setting, set_setting
from tests.support.migrated import migrated_database

WRITERS = 4
ROUNDS = 40
# Seconds; who starves waits for as long as the others write, or fails after 30.
LONGEST_WAIT = 15

# The database as the server opens it, without the rest of the server.
SET_UP = """
import os, sys, time
import django
from django.conf import settings
from octopus_site.conf import database_settings
settings.configure(
    DATABASES={"default": database_settings(os.environ["OCTOPUS_DATABASE_URL"])},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=["deployments.base"],
    USE_TZ=True,
)
django.setup()
from deployments.base.models import ServerSetting
"""

PROGRAM = f"""{SET_UP}
from django.db import transaction
slowest = 0.0
for number in range({ROUNDS}):
    started = time.monotonic()
    if number % 2:
        with transaction.atomic():
            row = ServerSetting.objects.get(key="counter")
            row.value += 1
            row.save()
    else:
        ServerSetting.objects.update_or_create(key=sys.argv[1], defaults={{"value": number}})
    slowest = max(slowest, time.monotonic() - started)
print(slowest)
"""


@pytest.fixture
def database(tmp_path: Path) -> dict[str, str]:
    """Give the environment of a server with a database of its own."""
    environment = dict(os.environ)
    environment["OCTOPUS_DATABASE_URL"] = f"sqlite:///{tmp_path}/writers.sqlite3"
    shutil.copyfile(migrated_database(), tmp_path / "writers.sqlite3")
    make = f"{SET_UP}ServerSetting.objects.create(key='counter', value=0)"
    subprocess.run([sys.executable, "-c", make], env=environment, check=True, timeout=50)
    return environment


READER = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN")
print(database.execute("SELECT count(*) FROM base_serversetting").fetchone()[0], flush=True)
sys.stdin.read()
"""


def writers(database: dict[str, str], count: int) -> float:
    """Let so many processes write at once; returns the longest wait of any."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, f"writer{number}"],
            env=database,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(count)
    ]
    results = [process.communicate(timeout=100) for process in started]
    assert [process.returncode for process in started] == [0] * count, results
    read = f"{SET_UP}print(ServerSetting.objects.get(key='counter').value)"
    answer = subprocess.run(
        [sys.executable, "-c", read],
        env=database,
        check=True,
        timeout=50,
        capture_output=True,
        text=True,
    )
    assert int(answer.stdout) == count * ROUNDS // 2
    return max(float(out) for out, _ in results)


def test_writers_of_several_processes_lose_nothing(database: dict[str, str]) -> None:
    assert writers(database, WRITERS) < LONGEST_WAIT


@pytest.mark.thorough
@pytest.mark.timeout(150)
def test_a_reader_who_stays_holds_no_writer_up(database: dict[str, str], tmp_path: Path) -> None:
    """As a backup does: one transaction reads for as long as eight processes write."""
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(tmp_path / "writers.sqlite3")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert reader.stdout is not None
    assert int(reader.stdout.readline()) >= 1
    assert writers(database, 2 * WRITERS) < LONGEST_WAIT
    assert reader.poll() is None
    reader.communicate("")


@pytest.mark.django_db(transaction=True)
def test_the_turnstile_is_free_after_commit_and_rollback() -> None:
    if connection.vendor != "sqlite":
        return
    for fails in (False, True):
        try:
            with transaction.atomic():
                set_setting("turn", 1)
                if fails:
                    raise ZeroDivisionError
        except ZeroDivisionError:
            pass
        turnstile = connection.turnstile  # type: ignore[attr-defined]  # the wrapper of ours
        assert turnstile._depth == 0
    assert get_setting("turn") == 1
    started = time.monotonic()
    set_setting("turn", 2)
    assert time.monotonic() - started < 5

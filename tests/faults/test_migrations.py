"""The server is replaced by one with a newer database while agents carry deployments out."""

import sqlite3
import sys
from pathlib import Path

import pytest

from deployments.server_tasks import migrations
from tests.faults.harness.scripts import Script
from tests.faults.lab import Lab

_NAMES = sorted(path.stem for path in Path(migrations.__path__[0]).glob("0*.py"))


def has_newest(lab: Lab) -> bool:
    """Tell whether the database has the newest migration of tasks and nodes."""
    database = sqlite3.connect(lab.server.data_dir / "octopus.sqlite3")
    try:
        rows = database.execute("SELECT name FROM django_migrations WHERE app = 'server_tasks'")
        return (_NAMES[-1],) in rows.fetchall()
    finally:
        database.close()


def go_back(lab: Lab) -> None:
    """Give the database the form that it had one version ago, with everything that runs in it."""
    back = lab.processes.start(
        "migrate-back",
        [sys.executable, "-m", "django", "migrate", "server_tasks", _NAMES[-2]],
        environment=lab.server.environment,
    )
    assert back.wait_for_exit(seconds=60) == 0, back.log()
    lab.note_fault("migration while deployments run")


@pytest.mark.thorough
def test_a_migration_while_deployments_run(lab: Lab) -> None:
    lab.add_project("Through the migration", Script(lines=200, pause=0.05, seconds=8))
    made = [(*lab.deploy(name), name) for name in ("Through the migration", "Print")]
    lab.wait_for_start(made[0][0])
    assert lab.server.main is not None
    lab.server.main.terminate(seconds=60)
    assert has_newest(lab)
    go_back(lab)
    assert not has_newest(lab)
    lab.server.start()
    assert has_newest(lab)
    for deployment_id, task_id, name in made:
        lab.check(deployment_id, lab.wait_for_end(task_id), name)

"""What must be in the environment before Django's settings are read."""

import atexit
import base64
import os
import shutil
import sys
import tempfile
import uuid
from pathlib import Path

from django.contrib.auth.hashers import Argon2PasswordHasher

from tests.support.postgres import start_for_this_run

DATABASE = "OCTOPUS_TEST_DATABASE"
"""`postgres` runs the database tests on PostgreSQL; anything else on SQLite."""

MASTER_KEY = base64.b64encode(bytes(range(32))).decode()


class QuickPasswordHasher(Argon2PasswordHasher):
    """Argon2 at its lowest cost."""

    time_cost = 1
    memory_cost = 8
    parallelism = 1


def prepare_environment() -> None:
    """Give this process a data folder, a master key and the database of the run."""
    for name in [name for name in os.environ if name.startswith(("OCTOPUS_", "ADMIN_"))]:
        if not name.startswith("OCTOPUS_TEST_"):
            del os.environ[name]
    folder = Path(tempfile.gettempdir()) / f"octopus-test-{uuid.uuid4().hex[:12]}"
    if "mypy" not in sys.modules:  # it reads the settings too, and ends without cleaning up
        folder.mkdir(mode=0o700)
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["OCTOPUS_DATA_DIR"] = str(folder)
    os.environ["OCTOPUS_MASTER_KEY"] = MASTER_KEY
    if runs_on_postgres():
        os.environ["OCTOPUS_DATABASE_URL"] = start_for_this_run()


def runs_on_postgres() -> bool:
    """Return whether the database tests of this run are on PostgreSQL."""
    return os.environ.get(DATABASE) == "postgres"

"""A database that has been migrated already: doing it takes ten seconds of each process."""

import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.environment import MASTER_KEY

_ROOT = Path(__file__).resolve().parents[2]


def migrated_database() -> Path:
    """Return an SQLite file of this state of the migrations; whoever is first makes it.

    It has no users: `octopus-server migrate` makes the first administrator on a copy. Seeds that
    have changed since come with the next migrate, which every server and test run does.
    """
    file = Path(tempfile.gettempdir()) / f"octopus-migrated-{_state()}.sqlite3"
    with Path(f"{file}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists():
            _make(file)
    return file


def _make(file: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="octopus-migrated-") as folder:
        environment = {
            **{name: text for name, text in os.environ.items() if not name.startswith("ADMIN_")},
            "DJANGO_SETTINGS_MODULE": "octopus_site.settings",
            "OCTOPUS_DATA_DIR": folder,
            "OCTOPUS_DATABASE_URL": "",
            "OCTOPUS_MASTER_KEY": MASTER_KEY,
        }
        command = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
        subprocess.run(command, cwd=_ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
        # Closed by its last connection, so all of it is in the one file.
        Path(folder, "octopus.sqlite3").rename(file)


def _state() -> str:
    """Return a name for what the migrations and their dependencies are now."""
    digest = hashlib.sha256((_ROOT / "constraints.txt").read_bytes())
    for pattern in ("deployments/*/migrations/*.py", "*/migrations/*.py"):
        for path in sorted(_ROOT.glob(pattern)):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]

"""What must be right before anything starts; each problem is one clear line."""

import fcntl
import os
import shutil
import socket
from pathlib import Path

from octopus_site.conf import KEY_FILE, Configuration, ConfigurationError, secret
from octopus_site.master_key.files import make_key

_LEAST_FREE_BYTES = 200 * 1024 * 1024


def prepare_data_folder(folder: Path) -> int:
    """Create and check the data folder and lock it; returns the lock's descriptor."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / "logs").mkdir(exist_ok=True)
        probe = folder / ".write-probe"
        probe.write_bytes(b"x" * 4096)
        probe.unlink()
        lock = os.open(folder / "octopus.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigurationError(
            f"the data folder {folder} cannot be written: {error.strerror}. Set OCTOPUS_DATA_DIR."
        ) from error
    free = shutil.disk_usage(folder).free
    if free < _LEAST_FREE_BYTES:
        raise ConfigurationError(
            f"only {free // 1024**2} MB are free in the data folder {folder}; 200 MB are needed."
        )
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise ConfigurationError(
            f"another server runs on the data folder {folder}. Stop it, or set OCTOPUS_DATA_DIR."
        ) from error
    return lock


def ensure_master_key(folder: Path) -> None:
    """Make `master.key` (0600, atomically) unless a key is given or there already."""
    path = folder / KEY_FILE
    if not secret(os.environ, "OCTOPUS_MASTER_KEY") and not path.exists():
        make_key(path)


def require_free_ports(configuration: Configuration) -> None:
    """Refuse to start when a port is taken."""
    for setting, port in (
        ("OCTOPUS_WEB_PORT", configuration.web_port),
        ("OCTOPUS_GATEWAY_PORT", configuration.gateway_port),
    ):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("0.0.0.0", port))  # noqa: S104 as the server will
            except OSError as error:
                raise ConfigurationError(
                    f"port {port} is in use. Stop what uses it, or set {setting}."
                ) from error

"""Writing the files of the master key: for their owner alone, whole or not at all."""

import base64
import os
import secrets
from pathlib import Path

from octopus_site.conf import KEY_FILE, MASTER_KEY_BYTES, OLD_KEY_FILE
from packages_feed.storage.disk import sync_folder


def make_key(path: Path) -> None:
    """Write a new random key."""
    _write(path, base64.b64encode(secrets.token_bytes(MASTER_KEY_BYTES)) + b"\n")


def is_being_exchanged(folder: Path) -> bool:
    """Tell whether an old key is still kept beside its successor."""
    path, old = folder / KEY_FILE, folder / OLD_KEY_FILE
    return old.is_file() and old.read_bytes() != path.read_bytes()


def exchange_key(folder: Path) -> None:
    """Keep the key of the data folder as the old one and make a new one."""
    path = folder / KEY_FILE
    _write(folder / OLD_KEY_FILE, path.read_bytes())
    make_key(path)


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
    sync_folder(path.parent)

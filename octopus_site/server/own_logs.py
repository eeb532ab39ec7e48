"""What the server's own processes have written, as far as it is in the data folder."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from django.conf import settings

from deployments.base.errors import NotFound

MOST_BYTES: Final = 200_000
_MASK: Final = "********"
# Shorter ones would hide half of the text.
_SHORTEST_SECRET: Final = 6


@dataclass(frozen=True, slots=True)
class OwnLog:
    """The log of one process of `octopus-server up`."""

    name: str
    size: int


def own_logs() -> list[OwnLog]:
    """Return which logs there are; none where processes write elsewhere."""
    return [OwnLog(path.stem, path.stat().st_size) for path in sorted(_folder().glob("*.log"))]


def tail_of(name: str) -> list[str]:
    """Return the last lines of a log, the newest last, without secrets of the settings."""
    path = next((path for path in _folder().glob("*.log") if path.stem == name), None)
    if path is None:
        raise NotFound("There is no such log.")
    with path.open("rb") as file:
        start = max(0, path.stat().st_size - MOST_BYTES)
        file.seek(start)
        text = file.read(MOST_BYTES).decode(errors="replace")
    lines = masked(text).splitlines()
    return lines[1:] if start else lines


def masked(text: str) -> str:
    """Return the text without the secrets that the settings have."""
    for secret in _secrets():
        text = text.replace(secret, _MASK)
    return text


def _secrets() -> Iterator[str]:
    octopus = settings.OCTOPUS
    known = [settings.SECRET_KEY, octopus.s3_secret_key, octopus.s3_access_key]
    for key in (octopus.master_key, *octopus.other_master_keys):
        known += [base64.b64encode(key).decode(), key.hex()]
    storages = (octopus.storage_url, octopus.storage_other_url)
    for url in (octopus.database_url, octopus.redis_url, *storages):
        password = urlsplit(url).password or ""
        known += [password, unquote(password)]
    yield from sorted({text for text in known if len(text) >= _SHORTEST_SECRET}, key=len)[::-1]


def _folder() -> Path:
    return Path(settings.OCTOPUS.data_dir) / "logs"

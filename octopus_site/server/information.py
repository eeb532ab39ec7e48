"""Facts about this server; none of them is a secret."""

import os
import platform
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import connection
from redis.exceptions import RedisError

from agent.version import VERSION
from deployments.base.clock import utc_now
from deployments.base.redis import command_client
from deployments.base.settings_rows import get_setting
from deployments.server_tasks.queries import totals_of_server
from octopus_site.seed import INSTALLATION_ID

_STARTED: Final = utc_now()
_KIBIBYTE: Final = 1024


@dataclass(frozen=True, slots=True)
class Disk:
    """The file system of a folder of this machine."""

    folder: str
    total: int
    free: int


@dataclass(frozen=True, slots=True)
class Information:
    """This process and what it works on. Sizes in bytes; None where they cannot be told."""

    version: str
    installation_id: str
    node_name: str
    server_url: str
    python: str
    operating_system: str
    started: datetime
    memory: int
    threads: int
    processors: int
    database: str
    database_size: int | None
    redis: str
    storage: str
    disks: tuple[Disk, ...]
    queued: int
    executing: int
    oldest_queued: datetime | None


def information() -> Information:
    """Return the facts as they are now."""
    totals, oldest = totals_of_server()
    return Information(
        version=VERSION,
        installation_id=str(get_setting(INSTALLATION_ID)),
        node_name=settings.OCTOPUS.node_name,
        server_url=settings.OCTOPUS.server_url,
        python=platform.python_version(),
        operating_system=f"{platform.system()} {platform.release()} ({platform.machine()})",
        started=_STARTED,
        memory=_memory(),
        threads=threading.active_count(),
        processors=os.cpu_count() or 1,
        database=_database(),
        database_size=_database_size(),
        redis=_redis(),
        storage=storage_place(),
        disks=tuple(_disks()),
        queued=totals["Queued"],
        executing=totals["Executing"] + totals["Cancelling"],
        oldest_queued=oldest,
    )


def storage_place() -> str:
    """Return where packages are, without options that may name credentials."""
    return str(settings.OCTOPUS.storage_url).partition("?")[0]


def _memory() -> int:
    """Return the resident memory of this process."""
    lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    sizes = [line.split()[1] for line in lines if line.startswith("VmRSS:")]
    return int(sizes[0]) * _KIBIBYTE if sizes else 0


def _database() -> str:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT sqlite_version()")
            return f"SQLite {cursor.fetchone()[0]}"
        cursor.execute("SHOW server_version")
        return f"PostgreSQL {cursor.fetchone()[0]}"


def _database_size() -> int | None:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
        else:
            cursor.execute("SELECT pg_database_size(current_database())")
        (size,) = cursor.fetchone()
    return None if size is None else int(size)


def _redis() -> str:
    try:
        known: Any = command_client().info("server")
    except (RedisError, OSError):
        return "does not answer"
    return f"Redis {known['redis_version']}"


def _disks() -> Iterator[Disk]:
    """Yield the disks of the data folder and of packages, once each."""
    folders = [settings.OCTOPUS.data_dir]
    if storage_place().startswith("file://"):
        folders.append(Path(storage_place().removeprefix("file://")))
    seen = set()
    for folder in folders:
        there = next(path for path in (folder, *folder.parents) if path.exists())
        device = there.stat().st_dev
        if device not in seen:
            seen.add(device)
            usage = shutil.disk_usage(there)
            yield Disk(str(folder), usage.total, usage.free)

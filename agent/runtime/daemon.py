"""The agent's daemon: its parts put together, its signals, its end."""

import asyncio
import fcntl
import gc
import json
import logging
import os
import signal
import socket
from pathlib import Path
from typing import Any

from agent.contracts import limits
from agent.contracts.messages import Run
from agent.runtime.artifacts import ArtifactUploads
from agent.runtime.commands.kept import is_hash_of
from agent.runtime.commands.spawn import Spawner
from agent.runtime.commands.table import CommandTable
from agent.runtime.config import AgentConfig, ConfigError
from agent.runtime.connection.dial import Dialer
from agent.runtime.http import Endpoint, HttpError, request_bytes
from agent.runtime.packages.cache import PackageCache
from agent.runtime.register import endpoint_of
from agent.runtime.upgrade.seat import TrialSeat
from agent.runtime.upgrade.upgrader import Upgrader

_log = logging.getLogger("tentacle")
_ATTEMPTS = 5


def run_daemon(
    home: Path,
    config: AgentConfig,
    credential: str,
    spawner: socket.socket,
    seat: TrialSeat | None = None,
) -> tuple[Path, str] | None:
    """Serve until SIGTERM or SIGINT; ConfigError when another daemon has this folder.

    Returns the program to try, with its SHA-256, when it stopped for an upgrade.
    """
    lock = hold_instance(home)
    # What is loaded now stays; a collection need not look at it again.
    gc.collect()
    gc.freeze()
    try:
        return asyncio.run(_serve(home, config, credential, spawner, seat))
    finally:
        os.close(lock)


def hold_instance(home: Path) -> int:
    """Lock the state folder for this process; the descriptor must stay open.

    Taken after the spawner was forked, because a fork would share the lock and outlive us.
    """
    descriptor = os.open(home / "daemon.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as problem:
        os.close(descriptor)
        raise ConfigError(f"A Tentacle is already running in {home}.") from problem
    return descriptor


async def _serve(
    home: Path,
    config: AgentConfig,
    credential: str,
    connection: socket.socket,
    seat: TrialSeat | None,
) -> tuple[Path, str] | None:
    stop = asyncio.Event()
    told_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def end() -> None:
        told_to_stop.set()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    if seat is not None:
        # Its parent has seen enough, or is gone.
        loop.add_reader(seat.connection, stop.set)
    endpoint = endpoint_of(config)

    async def fetch(run: Run) -> dict[str, Any]:
        return await _fetch_spec(endpoint, credential, run)

    spawner = Spawner(connection)
    packages = PackageCache(
        home / "packages", endpoint, credential, int(config.package_cache_bytes)
    )
    artifacts = ArtifactUploads(endpoint, credential)
    retention = config.workspace_retention_s
    table = CommandTable(home, spawner, packages, artifacts, fetch, retention)
    table.recover()
    upgrader = Upgrader(home, endpoint, credential, stop, seat)
    _log.info("Tentacle %s (%s) serves %s", config.name, config.machine_id, config.gateway_url)
    try:
        await Dialer(config, credential, table, upgrader).run(stop)
    finally:
        await upgrader.close()
        table.draining = True
        await table.close()
        spawner.close()
    _log.info(
        "stopped; %d running commands go on", sum(not c.finished for c in table.live.values())
    )
    if upgrader.program is None or told_to_stop.is_set():
        return None
    return upgrader.program, upgrader.sha256


async def _fetch_spec(endpoint: Endpoint, credential: str, run: Run) -> dict[str, Any]:
    reference = run.spec_ref
    if reference is None or reference.sha256 != run.spec_hash:
        raise HttpError(0, "the command has no usable spec")
    path = f"/agent/v1/commands/{run.id}/spec"
    headers = {"Authorization": f"Bearer {credential}"}
    for attempt in range(_ATTEMPTS):
        try:
            work = asyncio.to_thread(request_bytes, endpoint, "GET", path, headers)
            _, body = await work
        except HttpError as problem:
            if problem.status or attempt == _ATTEMPTS - 1:
                raise
            await asyncio.sleep(min(limits.RESEND, 0.25 * 2**attempt))
        else:
            break
    spec: dict[str, Any] = json.loads(body)
    if not is_hash_of(spec, run.spec_hash):
        raise HttpError(0, "the fetched spec is not the one that was announced")
    return spec

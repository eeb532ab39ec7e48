"""Dial the gateway again and again, with growing, scattered delays."""

import asyncio
import contextlib
import logging
import os
import random
import socket
import ssl
import traceback

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, WebSocketException

from agent.contracts import limits
from agent.contracts.messages import CommandReport, Hello
from agent.runtime import platform
from agent.runtime.commands.table import KINDS, CommandTable
from agent.runtime.config import AgentConfig
from agent.runtime.connection.backoff import Backoff
from agent.runtime.connection.link import Ended, Link
from agent.runtime.packages.patching import capabilities
from agent.runtime.tls import context_for
from agent.runtime.upgrade.upgrader import Upgrader
from agent.version import VERSION

_log = logging.getLogger("tentacle")
_PATH = "/agent/v1/connect"
_REFUSED = (401, 403)


class _Direct(connect):
    """A connection that follows no redirect: the credential goes to the registered server only."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class Dialer:
    """Keep the agent connected until it is told to stop."""

    def __init__(
        self, config: AgentConfig, credential: str, table: CommandTable, upgrader: Upgrader
    ) -> None:
        self._upgrader = upgrader
        self._config = config
        self._credential = credential
        self._table = table
        self._backoff = Backoff()
        self._boot_id = platform.boot_id()
        self._shells = platform.shells()

    async def run(self, stop: asyncio.Event) -> None:
        """Connect, talk, wait, again; PlainRefused when the address must not be used."""
        while not stop.is_set():
            ended = await self._session(stop)
            if ended.within is not None:
                delay = random.uniform(0.0, ended.within)  # noqa: S311
            else:
                delay = self._backoff.next_delay(ended.lived_s, ended.come_back_in)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), delay)

    async def _session(self, stop: asyncio.Event) -> Ended:
        try:
            connection = await self._dial()
        except InvalidStatus as problem:
            return self._refused(problem)
        except (OSError, TimeoutError, InvalidHandshake, WebSocketException) as problem:
            _log.warning("no connection to %s: %s", self._config.gateway_url, _explain(problem))
            return Ended(0.0)
        found: socket.socket | None = connection.transport.get_extra_info("socket")
        if found is not None:
            platform.limit_silence(found, limits.TCP_USER_TIMEOUT)
        try:
            ended = await self._link(connection).run(stop)
        except Exception as problem:  # noqa: BLE001
            # Whatever one session brings must not end the agent; the next one starts afresh.
            frames = "".join(traceback.format_tb(problem.__traceback__))
            _log.error("the session broke: %s\n%s", type(problem).__name__, frames)
            return Ended(0.0)
        _log.info("disconnected: %s %s", connection.close_code, connection.close_reason or "")
        return ended

    def _link(self, connection: ClientConnection) -> Link:
        return Link(connection, self._table, self._upgrader, self._hello())

    async def _dial(self) -> ClientConnection:
        config = self._config
        url = config.gateway_url.rstrip("/") + _PATH
        context = context_for(
            url, pin=config.thumbprint, ca_file=config.ca_file, allow_plain=config.allow_plain
        )
        return await _Direct(
            url,
            additional_headers={"Authorization": f"Bearer {self._credential}"},
            user_agent_header=f"octopus-tentacle/{VERSION}",
            ssl=context,
            proxy=None,
            compression=None,
            open_timeout=limits.OPEN_TIMEOUT,
            ping_interval=limits.PING_INTERVAL,
            ping_timeout=limits.PING_TIMEOUT,
            close_timeout=limits.CLOSE_TIMEOUT,
            max_size=limits.MAX_FRAME,
        )

    def _hello(self) -> Hello:
        live = list(self._table.live)
        # The server takes a smaller number for a folder that was rolled back.
        self._table.journal.force()
        listed: tuple[CommandReport, ...] = tuple(
            self._table.report(command_id) for command_id in live[: limits.MAX_LISTED_COMMANDS]
        )
        return Hello(
            protocols=limits.SUPPORTED_PROTOCOLS,
            agent_version=VERSION,
            boot_id=self._boot_id,
            os="linux",
            architecture=os.uname().machine,
            hostname=socket.gethostname(),
            shells=self._shells,
            capabilities=(*KINDS, *capabilities()),
            capacity=limits.MAX_RUNNING,
            free_disk=platform.free_disk(self._table.home),
            journal_high=self._table.journal.high,
            commands=listed,
            more_commands=len(live) > len(listed),
        )

    def _refused(self, problem: InvalidStatus) -> Ended:
        status = problem.response.status_code
        if status in _REFUSED:
            _log.error("the server does not accept this agent's credential (%d)", status)
            return Ended(0.0, limits.RECONNECT_MAX)
        _log.warning("the server answered %d", status)
        with contextlib.suppress(ValueError):
            return Ended(0.0, float(problem.response.headers.get("Retry-After", "")))
        return Ended(0.0)


def _explain(problem: BaseException) -> str:
    if isinstance(problem, ssl.SSLCertVerificationError):
        return str(problem.args[0]) if len(problem.args) == 1 else problem.verify_message
    return str(problem) or type(problem).__name__

"""Starting and stopping the gateway process."""

import asyncio
import os
import signal
import ssl

import structlog
import uvloop
from django.conf import settings
from websockets.asyncio.server import serve

from agent.contracts import limits
from deployments.gateway.gateway import Gateway
from deployments.infrastructure.services.gateway_certificate import server_context

log = structlog.get_logger(__name__)

_BACKLOG = 4096


def run(*, host: str) -> int:
    """Serve agents until SIGTERM or SIGINT."""
    context = None if os.environ.get("OCTOPUS_GATEWAY_TLS") == "off" else server_context()
    uvloop.run(_serve(host, context))
    return 0


async def _serve(host: str, context: ssl.SSLContext | None) -> None:
    gateway = Gateway()
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    gateway.start_loops()
    async with serve(
        gateway.serve,
        host,
        settings.OCTOPUS.gateway_port,
        ssl=context,
        process_request=gateway.authenticate,
        compression=None,
        max_size=limits.MAX_FRAME,
        ping_interval=limits.PING_INTERVAL,
        ping_timeout=limits.PING_TIMEOUT,
        close_timeout=limits.CLOSE_TIMEOUT,
        open_timeout=limits.OPEN_TIMEOUT,
        backlog=_BACKLOG,
        server_header=None,
    ):
        log.info("the gateway listens", port=settings.OCTOPUS.gateway_port)
        await stopped.wait()
        await gateway.go_away(gateway.leave_window)

"""A worker's sign of life, so that people see which nodes there are."""

import threading
import time
from typing import Final

import structlog
from django.conf import settings
from django.db import Error, connection

from agent.version import VERSION
from deployments.base.clock import utc_now
from deployments.server_tasks.services import report_node

log = structlog.get_logger(__name__)

EVERY_S: Final = 10.0


class Heartbeat:
    """A thread of the worker's main process, which itself only hands work out."""

    def __init__(self) -> None:
        self._started = utc_now()

    def start(self) -> None:
        threading.Thread(target=self._run, name="heartbeat", daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                report_node(settings.OCTOPUS.node_name, version=VERSION, started=self._started)
            except Error as error:
                # The database is away; whoever needs it says so louder.
                log.warning("sign of life not given", error=str(error).partition("\n")[0])
            finally:
                connection.close()
            time.sleep(EVERY_S)

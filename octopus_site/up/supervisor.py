"""`octopus-server up`: Redis, web, gateway, worker, beat and the built-in worker."""

import os
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from octopus_site.conf import Configuration, ConfigurationError, read_configuration, redis_socket
from octopus_site.up import preflight
from octopus_site.up.children import Child, Children
from octopus_site.up.redis_server import redis_command

Report = Callable[[str], None]
_START_WITHIN = 90.0


def say(text: str) -> None:
    """Print one line at once."""
    print(text, flush=True)


class Supervisor:
    """Starts and stops all processes of one trial server."""

    def __init__(self, report: Report = say) -> None:
        self.report = report
        self.children = Children(report)
        self.configuration: Configuration
        self._lock = -1

    def start(self) -> None:
        """Start everything and return when the server answers."""
        folder = Path(os.environ.get("OCTOPUS_DATA_DIR", "data")).absolute()
        self._lock = preflight.prepare_data_folder(folder)
        preflight.ensure_master_key(folder)
        self.configuration = read_configuration(os.environ)
        preflight.require_free_ports(self.configuration)
        os.environ["OCTOPUS_DATA_DIR"] = str(folder)
        threading.Thread(target=self.children.watch, name="watch", daemon=True).start()
        if not os.environ.get("OCTOPUS_REDIS_URL") and not os.environ.get("OCTOPUS_REDIS_URL_FILE"):
            self.add("redis", redis_command(folder))
            wait_for("Redis", lambda: redis_socket(folder).exists())
        self._prepare_database()
        for name in ("web", "gateway", "worker", "beat"):
            self.add(name, [sys.executable, "-m", "octopus_site.cli", name])
        wait_for("the web server", self.answers)
        wait_for("the gateway", self._gateway_listens)

    def start_built_in_worker(self) -> None:
        """Register the built-in worker once and run it."""
        from octopus_site.up.built_in_worker import ensure_registered  # noqa: PLC0415

        home = ensure_registered(self.configuration, agent_environment())
        self.add_agent("built-in-worker", home)

    def report_link(self) -> None:
        """Report where a person makes the first administrator, while there is no user."""
        from django.db import connections  # noqa: PLC0415 set up by start()

        from deployments.access.services.first_administrator import link_lines  # noqa: PLC0415

        for line in link_lines():
            self.report(line)
        connections.close_all()

    def add(self, name: str, command: list[str]) -> None:
        """Start one more process of the server."""
        self._start(name, command, os.environ)

    def add_agent(self, name: str, home: Path) -> None:
        """Start an agent on this machine; the scripts it runs must not see the server's secrets."""
        command = [sys.executable, "-m", "agent.runtime.cli", "run", "--home", str(home)]
        self._start(name, command, agent_environment())

    def _start(self, name: str, command: list[str], environment: Mapping[str, str]) -> None:
        log = self.configuration.data_dir / "logs" / f"{name}.log"
        self.children.start(Child(name, command, log, environment))

    def stop(self) -> None:
        """Stop all children, the last started first."""
        self.children.stop()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def answers(self) -> bool:
        """Say whether the REST API answers."""
        url = f"http://127.0.0.1:{self.configuration.web_port}/api"
        try:
            with urllib.request.urlopen(url, timeout=2) as response:
                return bool(response.status == HTTPStatus.OK)
        except (urllib.error.URLError, OSError):
            return False

    def _gateway_listens(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.configuration.gateway_port), 1):
                return True
        except OSError:
            return False

    def _prepare_database(self) -> None:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "octopus_site.settings")
        import django  # noqa: PLC0415 needs the master key, which may just have been made

        from octopus_site.memory import loading  # noqa: PLC0415 as above

        with loading():
            django.setup()
        from django.core.management import call_command  # noqa: PLC0415
        from django.db import connections  # noqa: PLC0415

        from deployments.access.services.first_administrator import (  # noqa: PLC0415
            create_first_administrator,
        )
        from octopus_site.seed import require_same_master_key  # noqa: PLC0415

        call_command("migrate", verbosity=0)
        require_same_master_key()
        for line in create_first_administrator(os.environ):
            self.report(line)
        connections.close_all()


def agent_environment() -> dict[str, str]:
    """Return the environment without what belongs to the server alone."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OCTOPUS_", "ADMIN_", "DJANGO_", "AWS_"))
    }


def wait_for(what: str, ready: Callable[[], bool]) -> None:
    """Wait until `ready` says yes; raises ConfigurationError after a while."""
    deadline = time.monotonic() + _START_WITHIN
    while not ready():
        if time.monotonic() > deadline:
            raise ConfigurationError(f"{what} did not start; see the logs in the data folder.")
        time.sleep(0.1)


def run_server() -> int:
    """Run the trial server until SIGINT or SIGTERM."""
    supervisor = Supervisor()
    stop = stop_on_signals()
    try:
        supervisor.start()
        supervisor.start_built_in_worker()
        say(f"Octopus is ready at {supervisor.configuration.server_url}/app (Ctrl-C stops it).")
        supervisor.report_link()
        stop.wait()
    finally:
        supervisor.stop()
    return 0


def stop_on_signals() -> threading.Event:
    """Return an event that SIGINT and SIGTERM set; during start they raise instead."""
    stop = threading.Event()

    def handle(number: int, _: Any) -> None:
        if stop.is_set():
            return
        stop.set()
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(0)

    signal.signal(signal.SIGINT, handle)
    signal.signal(signal.SIGTERM, handle)
    return stop

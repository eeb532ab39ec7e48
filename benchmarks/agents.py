"""Real Tentacles on this machine, each a process with a folder of its own."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from octopus_site.demo.client import Client
from octopus_site.up.supervisor import Supervisor, agent_environment

_CONNECTED_WITHIN = 120.0


class RealAgents:
    """The Tentacles of one lab, started as they are needed."""

    def __init__(self, supervisor: Supervisor, homes: Path, client: Client, api_key: str) -> None:
        self._supervisor = supervisor
        self._homes = homes
        self._client = client
        self._api_key = api_key
        self.names: list[str] = []

    def grow(self, environment: str, roles: list[list[str]]) -> None:
        """Start one more agent for each list of roles, and wait until all are connected."""
        first = len(self.names)
        names = [f"target-{first + index:03}" for index in range(len(roles))]
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(self._register, names, [environment] * len(names), roles))
        for name in names:
            self._supervisor.add_agent(name, self._homes / name)
        self.names += names
        deadline = time.monotonic() + _CONNECTED_WITHIN
        while self.connected() < len(self.names):
            if time.monotonic() > deadline:
                raise TimeoutError("not all targets connect")
            time.sleep(0.2)

    def pids(self) -> dict[str, int]:
        """Return the process id of each agent's daemon."""
        return {
            child.name: child.process.pid
            for child in self._supervisor.children.members
            if child.name in self.names and child.process is not None
        }

    def _register(self, name: str, environment: str, roles: list[str]) -> None:
        command = [
            *(sys.executable, "-m", "agent.runtime.cli", "register"),
            *("--home", str(self._homes / name), "--server", self._client.server),
            *("--name", name, "--environment", environment),
            *(word for role in roles for word in ("--role", role)),
        ]
        subprocess.run(
            command,
            env={**agent_environment(), "TENTACLE_API_KEY": self._api_key},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            check=True,
        )

    def connected(self) -> int:
        """Return how many of them the server calls healthy."""
        machines = self._client.get("/api/Spaces-1/machines/all")
        return sum(m["HealthStatus"] == "Healthy" and m["Name"] in self.names for m in machines)

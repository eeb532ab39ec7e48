"""Agents that are installed on a machine by the line that the portal shows."""

import io
import zipfile
from collections.abc import Mapping
from typing import Any

from tests.agent.machine.machine import Machine
from tests.clients.projects import SPACE
from tests.clients.targets import ROLE
from tests.support.processes import wait_until
from tests.support.server import API_KEY, OctopusServer


def install_agent(
    machine: Machine, octopus: OctopusServer, name: str, environment: str, *, user: str = "root"
) -> str:
    """Install and register an agent, as a service where the user is root; returns what was said."""
    line = f"curl -fsSL {octopus.url}/tentacle/install.sh | sh -s -- --name {name} --role {ROLE}"
    return machine.output(
        f"{line} --environment '{environment}'", user=user, TENTACLE_API_KEY=API_KEY
    )


def wait_for_agent(octopus: OctopusServer, name: str) -> None:
    """Wait until the server sees the agent healthy."""
    wait_until(
        lambda: target(octopus, name)["HealthStatus"] == "Healthy", seconds=60, what="the agent"
    )


def target(octopus: OctopusServer, name: str) -> dict[str, Any]:
    """Return the deployment target of an agent."""
    machines: list[dict[str, Any]] = octopus.call("GET", f"{SPACE}/machines/all")
    return next(each for each in machines if each["Name"] == name)


def zip_for_all(files: Mapping[str, bytes]) -> bytes:
    """Return a package whose files everybody may read, as builds make them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, data)
    return buffer.getvalue()

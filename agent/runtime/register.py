"""Registration with the server by one REST call, and its reverse."""

import platform
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.runtime import config
from agent.runtime.config import AgentConfig
from agent.runtime.http import Endpoint, request_json
from agent.version import VERSION

PATH = "/agent/v1/register"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the new machine wants to be; give an API key or a registration token."""

    server: Endpoint
    api_key: str | None = None
    token: str | None = None
    name: str = ""
    space: str | None = None
    environments: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    tenant_tags: tuple[str, ...] = ()
    policy: str | None = None
    force: bool = False
    is_worker: bool = False
    worker_pools: tuple[str, ...] = ()


def register(home: Path, request: Request) -> AgentConfig:
    """Register, store configuration and credential, and return the configuration."""
    if request.api_key:
        headers = {"X-Octopus-ApiKey": request.api_key}
    else:
        headers = {"Authorization": f"Bearer {request.token}"}
    answer = request_json(request.server, "POST", PATH, headers, _body(request))
    settled = AgentConfig(
        name=request.name or socket.gethostname(),
        server_url=answer.get("serverUrl") or request.server.url,
        gateway_url=answer["gatewayUrl"],
        machine_id=answer["machineId"],
        space_id=answer.get("spaceId") or "",
        thumbprint=answer.get("gatewayThumbprint"),
        server_thumbprint=request.server.pin,
        ca_file=request.server.ca_file,
        allow_plain=request.server.allow_plain,
        is_worker=request.is_worker,
    )
    config.save(home, settled, answer["credential"])
    return settled


def deregister(home: Path) -> None:
    """Remove this machine from the server, then forget the registration here."""
    settled, credential = config.load(home)
    headers = {"Authorization": f"Bearer {credential}"}
    request_json(endpoint_of(settled), "DELETE", PATH, headers)
    config.remove(home)


def endpoint_of(settled: AgentConfig) -> Endpoint:
    """Return the REST endpoint of a registered instance."""
    return Endpoint(
        url=settled.server_url,
        pin=settled.server_thumbprint,
        ca_file=settled.ca_file,
        allow_plain=settled.allow_plain,
    )


def _body(request: Request) -> dict[str, Any]:
    return {
        "name": request.name or socket.gethostname(),
        "space": request.space,
        "environments": list(request.environments),
        "roles": list(request.roles),
        "tenants": list(request.tenants),
        "tenantTags": list(request.tenant_tags),
        "machinePolicy": request.policy,
        "force": request.force,
        "isWorker": request.is_worker,
        "workerPools": list(request.worker_pools),
        "agentVersion": VERSION,
        "os": platform.system().lower(),
        "architecture": platform.machine(),
        "hostname": socket.gethostname(),
    }

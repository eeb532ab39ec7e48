"""Rows for virtual agents, written past the services: thousands would take minutes by REST."""

import hashlib
from collections.abc import Sequence
from uuid import uuid4

from deployments.base import public_ids
from deployments.base.clock import utc_now
from deployments.infrastructure.models import (
    Agent,
    AgentSession,
    Environment,
    Machine,
    MachineEnvironment,
)
from deployments.infrastructure.services.gateway_certificate import thumbprint
from deployments.infrastructure.services.policies import default_policy


def add_virtual_machines(environment_id: str, count: int, roles: Sequence[str]) -> list[str]:
    """Create targets with agents in the environment; return the agents' credentials."""
    number = public_ids.parse("Environments", environment_id) or 0
    environment = Environment.objects.unscoped(reason="a benchmark's own server").get(pk=number)
    space, now, policy = environment.space, utc_now(), default_policy(environment.space)
    credentials = [uuid4().hex for _ in range(count)]
    digests = [hashlib.sha256(text.encode()).hexdigest() for text in credentials]
    agents = Agent.objects.bulk_create(
        [Agent(space=space, credential_sha256=digest) for digest in digests]
    )
    AgentSession.objects.bulk_create([AgentSession(agent=agent) for agent in agents])
    names = [f"virtual-{environment.pk}-{index:04}" for index in range(count)]
    machines = Machine.objects.bulk_create(
        [
            Machine(
                space=space,
                name=name,
                slug=name,
                roles=list(roles),
                policy=policy,
                agent=agent,
                endpoint={"CommunicationStyle": "TentacleActive"},
                created=now,
            )
            for name, agent in zip(names, agents, strict=True)
        ]
    )
    MachineEnvironment.objects.bulk_create(
        [MachineEnvironment(machine=machine, environment=environment) for machine in machines]
    )
    return credentials


def gateway_pin() -> str:
    """Return the thumbprint of the gateway's certificate."""
    return thumbprint()

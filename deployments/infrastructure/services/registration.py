"""Registration of agents: one call that makes a machine or worker and its credential."""

import os
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction

from deployments.access.permissions import Permission
from deployments.access.policy import require, require_on, tenants_meant
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Conflict, Invalid
from deployments.base.models import Space
from deployments.base.naming import unique_slug
from deployments.infrastructure.agent_credentials import digest
from deployments.infrastructure.models import (
    Agent,
    Environment,
    Machine,
    MachineEnvironment,
    MachinePolicy,
    Worker,
    WorkerPool,
)
from deployments.infrastructure.services.gateway_certificate import thumbprint
from deployments.infrastructure.services.machines import (
    clean_roles,
    serve_tenants,
    store_tenants,
)
from deployments.library.tenancy import Tenancy, found_tenancy

N = TypeVar("N", Environment, WorkerPool)

CREDENTIAL_BYTES = 32
_LONGEST_NAME = 200


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What an agent asks for when it registers; names of environments, pools and a policy."""

    name: str
    roles: Sequence[str] = ()
    environments: Sequence[str] = ()
    machine_policy: str | None = None
    is_worker: bool = False
    worker_pools: Sequence[str] = ()
    force: bool = False
    agent_version: str = ""
    tenancy: Tenancy = field(default_factory=Tenancy)


@dataclass(frozen=True)
class Registered:
    """What the agent is told; the credential is shown this once."""

    machine_id: str
    space_id: str
    gateway_url: str
    gateway_thumbprint: str
    credential: str = field(repr=False)


def register(
    *, actor: Actor, space: Space, wish: Wish, is_built_in: bool = False, clock: Clock = utc_now
) -> Registered:
    """Register on behalf of somebody who may create the machine or worker."""
    name = wish.name.strip()
    if not name or len(name) > _LONGEST_NAME:
        raise Invalid(fields={"name": [f"A name of 1 to {_LONGEST_NAME} characters is needed."]})
    credential = secrets.token_hex(CREDENTIAL_BYTES)
    agent = Agent(
        space=space, credential_sha256=digest(credential), version=wish.agent_version[:50]
    )
    owner: Machine | Worker
    with transaction.atomic():
        if wish.is_worker:
            owner = _worker(actor, space, wish, name, agent, clock, is_built_in=is_built_in)
        else:
            owner = _machine(actor, space, wish, name, agent, clock)
        return Registered(
            machine_id=owner.public_id,
            space_id=space.public_id,
            gateway_url=gateway_url(),
            gateway_thumbprint=thumbprint(),
            credential=credential,
        )


def deregister(*, agent: Agent, clock: Clock = utc_now) -> None:
    """Revoke an agent's credential and remove its machine or worker; asked by the agent itself."""
    owner = _owner(agent)
    actor = Actor.system(f"deregistration by {agent.public_id}")
    with transaction.atomic():
        Agent.objects.in_space(agent.space).filter(pk=agent.pk).update(revoked=clock())
        if owner is not None:
            events.record(
                actor=actor,
                space=agent.space,
                category="MachineDeleted",
                message=f"{owner.name} deregistered itself",
                subject=owner.public_id,
                clock=clock,
            )
            owner.delete()


def gateway_url() -> str:
    """Return the address that agents connect to."""
    given = os.environ.get("OCTOPUS_GATEWAY_URL")
    if given:
        return given.rstrip("/")
    host = urlsplit(settings.OCTOPUS.server_url).hostname or "127.0.0.1"
    return f"wss://{host}:{settings.OCTOPUS.gateway_port}"


def _machine(
    actor: Actor, space: Space, wish: Wish, name: str, agent: Agent, clock: Clock
) -> Machine:
    rows = Environment.objects.in_space(space)
    environments = _named(rows, wish.environments, field="environments", kind="environment")
    tenancy = found_tenancy(space, wish.tenancy)
    numbers = [environment.pk for environment in environments]
    meant = tenants_meant(space, tenancy.tenants, tenancy.tags)
    require(actor, space, Permission.MachineCreate, environment=numbers, tenant=meant)
    if not environments:
        raise Invalid(fields={"environments": ["At least one environment is needed."]})
    roles = clean_roles(role for role in wish.roles if role.strip())
    if not roles:
        raise Invalid(fields={"roles": ["At least one role is needed."]})
    machine = Machine.objects.in_space(space).filter(name__iexact=name).first()
    _refuse_taken_name(machine, wish, "deployment target")
    if machine is not None:
        require_on(actor, machine, Permission.MachineEdit)
    if machine is None:
        machine = Machine(space=space, name=name, slug=_slug(Machine, space, name), created=clock())
    _replace_agent(machine, agent)
    machine.roles = roles
    machine.policy = _policy(space, wish.machine_policy)
    machine.endpoint = {"CommunicationStyle": "TentacleActive"}
    created = machine.pk is None
    serve_tenants(machine, tenancy)
    _save(machine)
    store_tenants(machine, tenancy)
    machine.environments.clear()
    MachineEnvironment.objects.bulk_create(
        [MachineEnvironment(machine=machine, environment=item) for item in environments]
    )
    _record(actor, machine, clock, created=created, related=[e.public_id for e in environments])
    return machine


def _worker(
    actor: Actor,
    space: Space,
    wish: Wish,
    name: str,
    agent: Agent,
    clock: Clock,
    *,
    is_built_in: bool,
) -> Worker:
    require(actor, space, Permission.WorkerEdit)
    worker = Worker.objects.in_space(space).filter(name__iexact=name).first()
    _refuse_taken_name(worker, wish, "worker")
    if worker is not None and worker.is_built_in and not is_built_in:
        raise Invalid("The built-in worker belongs to the server; choose another name.")
    if worker is None:
        worker = Worker(space=space, name=name, slug=_slug(Worker, space, name), created=clock())
    _replace_agent(worker, agent)
    worker.is_built_in = is_built_in
    worker.policy = _policy(space, wish.machine_policy)
    worker.endpoint = {"CommunicationStyle": "TentacleActive"}
    created = worker.pk is None
    _save(worker)
    worker.pools.set(_pools(space, wish.worker_pools))
    _record(actor, worker, clock, created=created, related=[])
    return worker


def _refuse_taken_name(owner: Machine | Worker | None, wish: Wish, kind: str) -> None:
    if owner is not None and not wish.force:
        raise Conflict(
            f"A {kind} named '{owner.name}' exists already. Choose another name, or use --force"
            " to replace its agent; its id stays."
        )


def _replace_agent(owner: Machine | Worker, agent: Agent) -> None:
    """Give the owner the new agent; an old agent keeps its row and messages move to the new one."""
    current = owner.agent
    if current is not None:
        current.credential_sha256 = agent.credential_sha256
        current.version = agent.version
        current.revoked = None
        current.quarantined = None
        current.boot_id = ""
        current.boot_id_flips = 0
        current.journal_high = 0
        current.save()
        return
    agent.save()
    owner.agent = agent


def _save(owner: Machine | Worker) -> None:
    try:
        with transaction.atomic():
            owner.save()
    except IntegrityError as error:
        raise Conflict(
            f"The name '{owner.name}' was taken at the same moment; try again."
        ) from error


def _pools(space: Space, names: Sequence[str]) -> list[WorkerPool]:
    pools = WorkerPool.objects.in_space(space)
    if not names:
        return list(pools.filter(is_default=True))
    return _named(pools, names, field="workerPools", kind="worker pool")


def _named(rows: Iterable[N], names: Sequence[str], *, field: str, kind: str) -> list[N]:
    found = []
    for name in names:
        wanted = name.strip().lower()
        match = next(
            (r for r in rows if wanted in {r.name.lower(), r.slug, r.public_id.lower()}), None
        )
        if match is None:
            raise Invalid(fields={field: [f"There is no {kind} '{name}'."]})
        found.append(match)
    return found


def _policy(space: Space, name: str | None) -> MachinePolicy:
    policies = MachinePolicy.objects.in_space(space)
    policy = (
        policies.filter(name__iexact=name.strip()).first()
        if name
        else policies.filter(is_default=True).first()
    )
    if policy is None:
        raise Invalid(fields={"machinePolicy": [f"There is no machine policy '{name}'."]})
    return policy


def _slug(model: type[Machine] | type[Worker], space: Space, name: str) -> str:
    rows = model.objects.in_space(space)
    return unique_slug(name, taken=lambda slug: rows.filter(slug=slug).exists())


def _owner(agent: Agent) -> Machine | Worker | None:
    machine = Machine.objects.in_space(agent.space).filter(agent=agent).first()
    return machine or Worker.objects.in_space(agent.space).filter(agent=agent).first()


def _record(
    actor: Actor, owner: Machine | Worker, clock: Clock, *, created: bool, related: list[str]
) -> None:
    verb = "was registered" if created else "was registered again"
    events.record(
        actor=actor,
        space=owner.space,
        category="MachineAdded" if created else "MachineModified",
        message=f"{owner.name} {verb}",
        subject=owner.public_id,
        related=related,
        clock=clock,
    )

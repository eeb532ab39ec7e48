"""Machines and workers as the planner takes them."""

from collections.abc import Iterable

from deployments.base.models import Space
from deployments.execution.planner import Target, WorkerChoice
from deployments.infrastructure.models import Environment, Machine, Worker, WorkerPool
from deployments.infrastructure.models.machine import HealthStatus
from deployments.infrastructure.queries import machines_of_environment
from deployments.projects.settings import DeploymentSettings

_DOWN = frozenset({HealthStatus.UNAVAILABLE, HealthStatus.UNHEALTHY})


def targets_for(
    space: Space, environment: Environment, settings: DeploymentSettings
) -> list[Target]:
    """Return the enabled targets of the environment, with why the project leaves some out."""
    machines = machines_of_environment(space, environment)
    return [
        Target(
            id=machine.public_id,
            name=machine.name,
            roles=frozenset(machine.roles),
            agent=machine.agent_id,
            skip_reason=_skip_reason(machine, settings),
        )
        for machine in machines
    ]


def workers_of(space: Space, default: str) -> list[WorkerChoice]:
    """Return the enabled workers of the space, the built-in one last.

    The server's built-in worker stands in where the default pool has no worker of its own.
    """
    workers = (
        Worker.objects.in_space(space)
        .filter(is_disabled=False)
        .order_by("is_built_in", "name")
        .prefetch_related("pools")
    )
    own = [_choice(worker, {pool.public_id for pool in worker.pools.all()}) for worker in workers]
    if any(default in worker.pools for worker in own):
        return own
    rows = Worker.objects.unscoped(reason="the built-in worker serves every space")
    built_in = rows.filter(is_built_in=True, is_disabled=False).exclude(space=space)
    return [*own, *(_choice(worker, {default}) for worker in built_in.order_by("id"))]


def _choice(worker: Worker, pools: Iterable[str]) -> WorkerChoice:
    return WorkerChoice(
        id=worker.public_id,
        name=worker.name,
        agent=worker.agent_id,
        pools=frozenset(pools),
        is_built_in=worker.is_built_in,
        is_available=worker.health_status != HealthStatus.UNAVAILABLE,
    )


def default_pool(space: Space) -> str:
    """Return the public id of the pool that actions without one use."""
    pool = WorkerPool.objects.in_space(space).filter(is_default=True).first()
    return pool.public_id if pool else ""


def _skip_reason(machine: Machine, settings: DeploymentSettings) -> str:
    if settings.exclude_unhealthy_targets and machine.health_status in _DOWN:
        return "The target is not healthy."
    roles = {role.lower() for role in machine.roles}
    skippable = not settings.skippable_roles or any(
        role.lower() in roles for role in settings.skippable_roles
    )
    if (
        settings.skip_unavailable_targets
        and skippable
        and machine.health_status == HealthStatus.UNAVAILABLE
    ):
        return "The target is not available."
    return ""

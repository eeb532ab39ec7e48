"""Machines and workers as the planner takes them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from deployments.base.clock import utc_now
from deployments.base.models import Space
from deployments.execution.models import ActionExecution
from deployments.execution.planner import Target
from deployments.execution.states import LIVE
from deployments.execution.worker_choice import WorkerChoice
from deployments.infrastructure.models import Environment, Machine, Worker, WorkerPool
from deployments.infrastructure.models.machine import HealthStatus
from deployments.infrastructure.queries import machines_of_environment
from deployments.infrastructure.services.presence import present_agents
from deployments.projects.settings import DeploymentSettings
from tenants.queries import TenantScope, machines_for

_FIT = frozenset({HealthStatus.HEALTHY, HealthStatus.HAS_WARNINGS})
_DOWN = frozenset({HealthStatus.UNAVAILABLE, HealthStatus.UNHEALTHY})


def targets_for(
    space: Space,
    environment: Environment,
    settings: DeploymentSettings,
    tenant: TenantScope | None = None,
    there: Sequence[Machine] | None = None,
) -> list[Target]:
    """Return the enabled targets of the environment that serve the tenant, or take none.

    They say why the project leaves some of them out. `there` are those of the environment when
    they have been read already.
    """
    every = machines_of_environment(space, environment) if there is None else there
    machines = machines_for(every, tenant)
    present = _present_ones(machines)
    return [
        Target(
            id=machine.public_id,
            name=machine.name,
            roles=frozenset(machine.roles),
            agent=machine.agent_id,
            skip_reason=_skip_reason(machine, settings, present),
            may_be_left_out=_may_be_left_out(machine, settings),
        )
        for machine in machines
    ]


class Workers(Iterable[WorkerChoice]):
    """The workers of a space, read when one is asked for: most plans need none."""

    def __init__(self, space: Space, default: str) -> None:
        self._space, self._default = space, default

    @cached_property
    def _rows(self) -> list[WorkerChoice]:
        return _workers_of(self._space, self._default)

    def __iter__(self) -> Iterator[WorkerChoice]:
        return iter(self._rows)


def _workers_of(space: Space, default: str) -> list[WorkerChoice]:
    """Return the enabled workers of the space, the built-in one last.

    The server's built-in worker stands in where the default pool has no worker of its own.
    """
    workers = list(
        Worker.objects.in_space(space).order_by("is_built_in", "name").prefetch_related("pools")
    )
    usable = [worker for worker in workers if not worker.is_disabled]
    loads = _loads(space, usable) if len(usable) > 1 else {}
    own = [
        _choice(worker, {pool.public_id for pool in worker.pools.all()}, loads.get(worker.pk, 0))
        for worker in usable
    ]
    # A pool whose workers are all disabled has workers, so nobody stands in for them.
    if any(pool.public_id == default for worker in workers for pool in worker.pools.all()):
        return own
    rows = Worker.objects.unscoped(reason="the built-in worker serves every space")
    built_in = rows.filter(is_built_in=True, is_disabled=False).exclude(space=space)
    return [*own, *(_choice(worker, {default}) for worker in built_in.order_by("id"))]


def _loads(space: Space, workers: Iterable[Worker]) -> Counter[int]:
    """Return how many commands each worker has now."""
    by_agent = {worker.agent_id: worker.pk for worker in workers if worker.agent_id}
    rows = ActionExecution.objects.in_space(space)
    live = rows.filter(agent__in=by_agent, state__in=LIVE)
    return Counter(by_agent[agent] for agent in live.values_list("agent_id", flat=True))


def _choice(worker: Worker, pools: Iterable[str], load: int = 0) -> WorkerChoice:
    return WorkerChoice(
        id=worker.public_id,
        name=worker.name,
        agent=worker.agent_id,
        pools=frozenset(pools),
        is_built_in=worker.is_built_in,
        is_healthy=worker.health_status in _FIT,
        load=load,
    )


def pools_of(space: Space) -> tuple[str, dict[str, str]]:
    """Return the public id of the pool that actions without one use, and all names by id."""
    pools = list(WorkerPool.objects.in_space(space))
    default = next((pool.public_id for pool in pools if pool.is_default), "")
    return default, {pool.public_id: pool.name for pool in pools}


def _present_ones(machines: Iterable[Machine]) -> set[int]:
    """Return the agents of targets said to be away that were there a moment ago."""
    away = {m.agent_id for m in machines if m.health_status == HealthStatus.UNAVAILABLE}
    agents = {number for number in away if number is not None}
    return present_agents(agents, utc_now()) if agents else set()


def _skip_reason(machine: Machine, settings: DeploymentSettings, present: set[int]) -> str:
    if machine.agent_id in present:
        return ""
    if settings.exclude_unhealthy_targets and machine.health_status in _DOWN:
        return "The target is not healthy."
    if machine.health_status == HealthStatus.UNAVAILABLE and _may_be_left_out(machine, settings):
        return "The target is not available."
    return ""


def _may_be_left_out(machine: Machine, settings: DeploymentSettings) -> bool:
    roles = {role.lower() for role in machine.roles}
    return settings.skip_unavailable_targets and (
        not settings.skippable_roles
        or any(role.lower() in roles for role in settings.skippable_roles)
    )

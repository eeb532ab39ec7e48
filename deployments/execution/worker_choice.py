"""Which worker of a pool runs the actions of a task; pure (infrastructure.md 7)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from deployments.projects.process import Action


@dataclass(frozen=True, slots=True)
class WorkerChoice:
    """A worker that may run actions on behalf of the server, and the pools it is in.

    `load` is how many commands it has now.
    """

    id: str
    name: str
    agent: int | None
    pools: frozenset[str]
    is_built_in: bool = False
    is_healthy: bool = True
    load: int = 0


@dataclass
class WorkerChooser:
    """Chooses one worker for each pool, once: all actions of a task on a pool share it."""

    workers: Iterable[WorkerChoice]
    default_pool: str
    evaluate: Callable[[str], str]
    _chosen: dict[str, tuple[WorkerChoice | None, str]] = field(default_factory=dict)

    def choose(self, action: Action) -> tuple[WorkerChoice | None, str]:
        """Return the worker of the action's pool, else None and why there is none."""
        pool = action.worker_pool_id
        if action.worker_pool_variable:
            pool = self.evaluate(f"#{{{action.worker_pool_variable}}}").strip()
        pool = pool or self.default_pool
        if pool not in self._chosen:
            self._chosen[pool] = self._choose(pool)
        return self._chosen[pool]

    def _choose(self, pool: str) -> tuple[WorkerChoice | None, str]:
        usable = [w for w in self.workers if pool in w.pools and w.agent is not None]
        if not usable:
            return None, f"The worker pool {pool or 'Default'} has no worker that is enabled."
        # The built-in worker comes and goes with the server, so it is waited for.
        healthy = [worker for worker in usable if worker.is_healthy or worker.is_built_in]
        if not healthy:
            return None, f"The worker pool {pool} has no worker that is healthy."
        return min(healthy, key=lambda worker: (worker.load, worker.name.lower())), ""

"""Which worker of a pool runs the actions of a task; pure (infrastructure.md 7)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from deployments.projects.process import Action


@dataclass(frozen=True, slots=True)
class WorkerChoice:
    """A worker that may run actions on behalf of the server, and the pools it is in.

    `load` is how many commands it has now; `pool_id` the pool that it was chosen from.
    """

    id: str
    name: str
    agent: int | None
    pools: frozenset[str]
    is_built_in: bool = False
    is_healthy: bool = True
    load: int = 0
    pool_id: str = ""
    pool_name: str = ""


@dataclass
class WorkerChooser:
    """Chooses one worker for each pool, once: all actions of a task on a pool share it.

    `pool_names` are those of the space by public id.
    """

    workers: Iterable[WorkerChoice]
    default_pool: str
    evaluate: Callable[[str], str]
    pool_names: Mapping[str, str] = field(default_factory=dict)
    _chosen: dict[str, tuple[WorkerChoice | None, str]] = field(default_factory=dict)

    def choose(self, action: Action) -> tuple[WorkerChoice | None, str]:
        """Return the worker of the action's pool, else None and why there is none.

        A variable names the pool by id, or by name.
        """
        pool = action.worker_pool_id
        if name := action.worker_pool_variable:
            source = f"#{{{name}}}"
            pool = self.evaluate(source).strip()
            if pool == source:
                return None, f"The variable {name} names no worker pool: it has no value here."
            pool = self._by_name(pool)
        pool = pool or self.default_pool
        if pool not in self._chosen:
            self._chosen[pool] = self._choose(pool)
        return self._chosen[pool]

    def _by_name(self, text: str) -> str:
        if text in self.pool_names:
            return text
        wanted = text.lower()
        named = (key for key, name in self.pool_names.items() if name.lower() == wanted)
        return next(named, text)

    def _choose(self, pool: str) -> tuple[WorkerChoice | None, str]:
        shown = self.pool_names.get(pool) or pool or "Default"
        usable = [w for w in self.workers if pool in w.pools and w.agent is not None]
        if not usable:
            return None, f"The worker pool {shown} has no worker that is enabled."
        # The built-in worker comes and goes with the server, so it is waited for.
        healthy = [worker for worker in usable if worker.is_healthy or worker.is_built_in]
        if not healthy:
            return None, f"The worker pool {shown} has no worker that is healthy."
        best = min(healthy, key=lambda worker: (worker.load, worker.name.lower()))
        return replace(best, pool_id=pool, pool_name=self.pool_names.get(pool, "")), ""

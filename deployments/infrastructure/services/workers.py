"""Worker pools and workers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import transaction
from django.db.models import Max

from deployments.access.permissions import Permission
from deployments.access.policy import require
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.base.models import Space, SpaceOwned
from deployments.base.naming import free_slug, require_free_name, required_name
from deployments.infrastructure.models import MachinePolicy, Worker, WorkerPool
from deployments.infrastructure.services.endpoints import checked_endpoint
from deployments.infrastructure.services.policies import default_policy
from deployments.library.uses import require_no_uses

DEFAULT_POOL_NAME: Final = "Default Worker Pool"


@dataclass(frozen=True, slots=True)
class WorkerInput:
    """A worker as it shall be."""

    name: str
    pools: Sequence[WorkerPool]
    policy: MachinePolicy | None = None
    is_disabled: bool = False
    endpoint: Mapping[str, Any] = field(default_factory=dict)


def seed_worker_pool(space: Space, actor: Actor) -> None:
    """Create the default pool of a new space."""
    del actor
    if not WorkerPool.objects.in_space(space).exists():
        WorkerPool.objects.create(
            space=space, name=DEFAULT_POOL_NAME, slug="default-worker-pool", is_default=True
        )


def objection_to_deletion(space: Space) -> str:
    """Return why a space may not be deleted while it has the worker that serves all spaces."""
    if not Worker.objects.in_space(space).filter(is_built_in=True).exists():
        return ""
    return (
        "The built-in worker of the server is in the space and serves all others. Delete the worker"
        " and restart the server, which registers it in the default space."
    )


def create_worker_pool(
    *,
    actor: Actor,
    space: Space,
    name: str,
    description: str = "",
    is_default: bool = False,
    sort_order: int | None = None,
) -> WorkerPool:
    """Create a pool; the first, or one marked so, is the default."""
    require(actor, space, Permission.WorkerEdit)
    pool = WorkerPool(space=space, name=required_name(name), description=description)
    with transaction.atomic():
        require_free_name(pool, "A worker pool")
        pool.slug = free_slug(pool)
        pools = WorkerPool.objects.in_space(space)
        highest = pools.aggregate(highest=Max("sort_order"))["highest"]
        following = 0 if highest is None else highest + 1
        pool.sort_order = following if sort_order is None else sort_order
        pool.is_default = is_default or highest is None
        pool.save(force_insert=True)
        _only_default(pool)
        _record(actor, pool, "Created", f"Worker pool {pool.name} was created")
    return pool


def update_worker_pool(
    *,
    actor: Actor,
    pool: WorkerPool,
    name: str,
    description: str = "",
    is_default: bool = False,
    sort_order: int | None = None,
) -> WorkerPool:
    """Give the pool these values; the default stays one until another takes its place."""
    require(actor, pool.space, Permission.WorkerEdit)
    pool.name = required_name(name)
    pool.description = description
    pool.is_default = pool.is_default or is_default
    if sort_order is not None:
        pool.sort_order = sort_order
    with transaction.atomic():
        require_free_name(pool, "A worker pool")
        pool.save()
        _only_default(pool)
        _record(actor, pool, "Modified", f"Worker pool {pool.name} was changed")
    return pool


def delete_worker_pool(*, actor: Actor, pool: WorkerPool) -> None:
    """Delete a pool that is empty, not the default, and that nothing names."""
    require(actor, pool.space, Permission.WorkerEdit)
    if pool.is_default:
        raise Invalid("The default worker pool cannot be deleted.")
    if Worker.objects.in_space(pool.space).filter(pools=pool).exists():
        raise Invalid(f"The worker pool '{pool.name}' still has workers. Move them first.")
    require_no_uses(actor, pool.space, pool.public_id, f"The worker pool '{pool.name}'")
    with transaction.atomic():
        _record(actor, pool, "Deleted", f"Worker pool {pool.name} was deleted")
        pool.delete()


def create_worker(
    *, actor: Actor, space: Space, worker: WorkerInput, clock: Clock = utc_now
) -> Worker:
    """Create a worker; without an agent it stays Unknown until one registers under its name."""
    require(actor, space, Permission.WorkerEdit)
    row = Worker(space=space, created=clock(), policy=worker.policy or default_policy(space))
    with transaction.atomic():
        _fill(actor, row, worker)
        row.save(force_insert=True)
        _place(row, worker.pools)
        _record(actor, row, "Created", f"Worker {row.name} was created")
    return row


def update_worker(*, actor: Actor, row: Worker, worker: WorkerInput) -> Worker:
    """Give the worker these values."""
    require(actor, row.space, Permission.WorkerEdit)
    with transaction.atomic():
        _fill(actor, row, worker)
        if worker.policy is not None:
            row.policy = worker.policy
        row.save()
        _place(row, worker.pools)
        _record(actor, row, "Modified", f"Worker {row.name} was changed")
    return row


def delete_worker(*, actor: Actor, row: Worker, clock: Clock = utc_now) -> None:
    """Delete the worker; its agent's credential stops working."""
    require(actor, row.space, Permission.WorkerEdit)
    with transaction.atomic():
        _record(actor, row, "Deleted", f"Worker {row.name} was deleted")
        if row.agent is not None:
            row.agent.revoked = clock()
            row.agent.save(update_fields=["revoked"])
        row.delete()


def _fill(actor: Actor, row: Worker, worker: WorkerInput) -> None:
    row.name = required_name(worker.name)
    row.is_disabled = worker.is_disabled
    if not worker.pools:
        raise Invalid(fields={"WorkerPoolIds": ["At least one worker pool is required."]})
    if worker.endpoint:
        row.endpoint = checked_endpoint(actor, row.space, worker.endpoint, row.endpoint)
    require_free_name(row, "A worker")
    row.slug = row.slug or free_slug(row)


def _place(row: Worker, pools: Sequence[WorkerPool]) -> None:
    links = Worker.pools.through.objects
    links.filter(worker=row).delete()
    links.bulk_create(
        [
            Worker.pools.through(worker=row, workerpool_id=number)
            for number in dict.fromkeys(pool.pk for pool in pools)
        ]
    )


def _only_default(pool: WorkerPool) -> None:
    if pool.is_default:
        others = WorkerPool.objects.in_space(pool.space).exclude(pk=pool.pk)
        others.filter(is_default=True).update(is_default=False)


def _record(actor: Actor, row: SpaceOwned, category: str, message: str) -> None:
    events.record(
        actor=actor,
        space=row.space,
        category=category,
        message=message,
        subject=row.public_id,
    )

"""The nodes of the server: their signs of life, their task caps, draining them."""

from datetime import datetime
from typing import Final

from django.db import transaction

from deployments.access.permissions import Permission
from deployments.access.policy import require_system
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.base.events import record
from deployments.base.settings_rows import get_setting, set_setting
from deployments.server_tasks.models import ServerNode
from deployments.server_tasks.queries import OFFLINE_AFTER

DEFAULT_TASK_CAP_SETTING: Final = "tasks.node_cap"
DEFAULT_TASK_CAP: Final = 5
MOST_TASKS: Final = 10_000


def claim_node(name: str, now: datetime) -> ServerNode:
    """Lock the node's row until the commit, and make it when it is new."""
    rows = ServerNode.objects.filter(name=name)
    if not rows.update(last_seen=now):
        defaults = {"last_seen": now, "task_cap": default_task_cap()}
        ServerNode.objects.get_or_create(name=name, defaults=defaults)
        rows.update(last_seen=now)
    return rows.get()


def default_task_cap() -> int:
    """Return how many tasks at a time a node that is new may run."""
    return int(str(get_setting(DEFAULT_TASK_CAP_SETTING, DEFAULT_TASK_CAP)))


def set_default_task_cap(*, actor: Actor, task_cap: int, clock: Clock = utc_now) -> None:
    """Say how many tasks at a time nodes that are new may run. Raises NotPermitted, Invalid."""
    require_system(actor, Permission.ConfigureServer)
    _require_cap(task_cap, "DefaultTaskCap")
    with transaction.atomic():
        before = default_task_cap()
        if before == task_cap:
            return
        set_setting(DEFAULT_TASK_CAP_SETTING, task_cap)
        record(
            actor=actor,
            space=None,
            category="Modified",
            message=f"New nodes run at most {task_cap} tasks at a time",
            subject="serverconfiguration",
            before={"DefaultTaskCap": before},
            after={"DefaultTaskCap": task_cap},
            clock=clock,
        )


def report_node(name: str, *, version: str, started: datetime, clock: Clock = utc_now) -> None:
    """Keep on record that the node's worker is there."""
    with transaction.atomic():
        claim_node(name, clock())
        ServerNode.objects.filter(name=name).update(version=version, started=started)


def others_take_tasks(node: ServerNode, now: datetime) -> bool:
    """Tell whether another node, which is there and not draining, looks at the queue as well."""
    others = ServerNode.objects.exclude(pk=node.pk).filter(is_draining=False)
    return others.filter(last_seen__gt=now - OFFLINE_AFTER).exists()


def update_node(
    *,
    actor: Actor,
    node: ServerNode,
    task_cap: int,
    is_draining: bool,
    clock: Clock = utc_now,
) -> ServerNode:
    """Set how many tasks the node runs at a time, and whether it takes new ones. Raises Invalid."""
    require_system(actor, Permission.ConfigureServer)
    _require_cap(task_cap, "TaskCap")
    with transaction.atomic():
        before = _shown(node)
        node.task_cap, node.is_draining = task_cap, is_draining
        if _shown(node) == before:
            return node
        node.save(update_fields=["task_cap", "is_draining"])
        record(
            actor=actor,
            space=None,
            category="Modified",
            message=_message(node, was_draining=bool(before["IsInMaintenanceMode"])),
            subject=node.public_id,
            before=before,
            after=_shown(node),
            clock=clock,
        )
    return node


def delete_node(*, actor: Actor, node: ServerNode, clock: Clock = utc_now) -> None:
    """Forget a node that is gone for good. Raises Invalid while it gives signs of life."""
    require_system(actor, Permission.ConfigureServer)
    gone = ServerNode.objects.filter(pk=node.pk, last_seen__lte=clock() - OFFLINE_AFTER)
    with transaction.atomic():
        if not gone.delete()[0]:
            raise Invalid(f"{node.name} is running. Stop its processes first.")
        record(
            actor=actor,
            space=None,
            category="Deleted",
            message=f"The node {node.name} was deleted",
            subject=node.public_id,
            before=_shown(node),
            clock=clock,
        )


def _shown(node: ServerNode) -> dict[str, object]:
    return {
        "Name": node.name,
        "MaxConcurrentTasks": node.task_cap,
        "IsInMaintenanceMode": node.is_draining,
    }


def _message(node: ServerNode, *, was_draining: bool) -> str:
    if node.is_draining != was_draining:
        if node.is_draining:
            return f"The node {node.name} is being drained"
        return f"The node {node.name} takes tasks again"
    return f"The task cap of node {node.name} is now {node.task_cap}"


def _require_cap(task_cap: int, field: str) -> None:
    if not 1 <= task_cap <= MOST_TASKS:
        text = f"The task cap must be a number from 1 to {MOST_TASKS:,}."
        raise Invalid(fields={field: [text]})

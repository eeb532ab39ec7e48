"""What the parts of a pass of retention share."""

from collections.abc import Callable
from dataclasses import dataclass

from deployments.base.actor import Actor
from deployments.base.clock import Clock
from deployments.projects.retention import RetentionPolicy
from deployments.server_tasks.models import ServerTask


@dataclass(frozen=True, slots=True)
class PartOfPass:
    """What things are judged by, where it is told, and what keeps the claim on the task."""

    task: ServerTask
    actor: Actor
    policy: RetentionPolicy
    is_dry: bool
    go_on: Callable[[], None]
    clock: Clock

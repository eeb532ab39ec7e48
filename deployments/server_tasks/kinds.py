"""What carries out a task of each kind: the name of the Celery task that is woken with its id."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from deployments.base.actor import Actor
from deployments.base.models import Space
from deployments.server_tasks.models import ServerTask


class Requester(Protocol):
    """Queues a task of its kind that a person asked for; it checks what the person may do."""

    def __call__(
        self, *, actor: Actor, space: Space, arguments: Mapping[str, Any], description: str
    ) -> ServerTask: ...


@dataclass(frozen=True, slots=True)
class TaskKind:
    """A kind of server task. `advance` is the Celery task that takes it a step further.

    `request` is there when people may ask for one by its kind and arguments.
    """

    name: str
    advance: str
    label: str
    may_rerun: bool = False
    request: Requester | None = None


_kinds: dict[str, TaskKind] = {}


def register_kind(
    name: str,
    *,
    advance: str,
    label: str = "",
    may_rerun: bool = False,
    request: Requester | None = None,
) -> None:
    """Register a kind; done by the app that carries it out, in its `ready()`."""
    _kinds[name] = TaskKind(name, advance, label or name, may_rerun, request)


def find_kind(name: str) -> TaskKind | None:
    """Return the registered kind."""
    return _kinds.get(name)


def all_kinds() -> list[TaskKind]:
    """Return every kind, by name."""
    return [kind for _, kind in sorted(_kinds.items())]


def may_rerun(name: str, *, is_completed: bool) -> bool:
    """Return whether a task of the kind may be queued once more as it was."""
    kind = find_kind(name)
    return is_completed and kind is not None and kind.may_rerun

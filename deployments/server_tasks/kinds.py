"""What carries out a task of each kind: the name of the Celery task that is woken with its id."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TaskKind:
    """A kind of server task. `advance` is the Celery task that takes it a step further."""

    name: str
    advance: str
    label: str
    may_rerun: bool = False


_kinds: dict[str, TaskKind] = {}


def register_kind(name: str, *, advance: str, label: str = "", may_rerun: bool = False) -> None:
    """Register a kind; done by the app that carries it out, in its `ready()`."""
    _kinds[name] = TaskKind(name, advance, label or name, may_rerun)


def find_kind(name: str) -> TaskKind | None:
    """Return the registered kind."""
    return _kinds.get(name)


def all_kinds() -> list[TaskKind]:
    """Return every kind, by name."""
    return [kind for _, kind in sorted(_kinds.items())]

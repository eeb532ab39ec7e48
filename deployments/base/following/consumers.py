"""Who follows the stream of events: apps register their consumers while they load."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from deployments.base.models import Event

Handler = Callable[["Event"], None]


@dataclass(frozen=True, slots=True)
class Consumer:
    """A follower of some categories. `handle` is called once for each event, in its transaction.

    What `handle` expects to go wrong it settles itself; an exception means that the event is
    given to it again, and after some attempts that it is passed over. One that starts work of its
    own `rests_in_maintenance`, and goes on from there afterwards. `is_awaited` tells whether a
    space has anything that waits for such events; without it they are passed over. It is asked in
    the transaction of the act, which may be a repeating one: by `PreparedQuery.first`.
    """

    name: str
    label: str
    categories: frozenset[str]
    handle: Handler
    rests_in_maintenance: bool = False
    is_awaited: Callable[[int], bool] | None = None


_consumers: dict[str, Consumer] = {}
_IDLE_S: Final = 1.0
# Until when (monotonic) a consumer need not be woken for events of a space.
_idle: dict[tuple[str, int], float] = {}


def register_consumer(
    name: str,
    *,
    label: str,
    categories: Iterable[str],
    handle: Handler,
    rests_in_maintenance: bool = False,
    is_awaited: Callable[[int], bool] | None = None,
) -> None:
    """Register a consumer; its name must stay, because its place in the stream has it."""
    _consumers[name] = Consumer(
        name, label, frozenset(categories), handle, rests_in_maintenance, is_awaited
    )


def all_consumers() -> tuple[Consumer, ...]:
    """Return every consumer, in the order of registration."""
    return tuple(_consumers.values())


def find_consumer(name: str) -> Consumer | None:
    """Return the consumer with this name."""
    return _consumers.get(name)


def consumers_to_wake(category: str, space: int | None) -> list[Consumer]:
    """Return who follows events of this category and has something that waits for this one.

    Whether it has is asked once a second: the sweep comes soon enough for what is new since then.
    """
    return [
        each
        for each in _consumers.values()
        if category in each.categories and not _is_idle(each, space)
    ]


def _is_idle(consumer: Consumer, space: int | None) -> bool:
    if consumer.is_awaited is None or space is None:
        return False
    key, now = (consumer.name, space), time.monotonic()
    if now < _idle.get(key, 0.0):
        return True
    if consumer.is_awaited(space):
        return False
    _idle[key] = now + _IDLE_S
    return True

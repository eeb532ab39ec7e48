"""Who follows the stream of events: apps register their consumers while they load."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deployments.base.models import Event

Handler = Callable[["Event"], None]


@dataclass(frozen=True, slots=True)
class Consumer:
    """A follower of some categories. `handle` is called once for each event, in its transaction.

    What `handle` expects to go wrong it settles itself; an exception means that the event is
    given to it again, and after some attempts that it is passed over. One that starts work of its
    own `rests_in_maintenance`, and goes on from there afterwards.
    """

    name: str
    label: str
    categories: frozenset[str]
    handle: Handler
    rests_in_maintenance: bool = False


_consumers: dict[str, Consumer] = {}


def register_consumer(
    name: str,
    *,
    label: str,
    categories: Iterable[str],
    handle: Handler,
    rests_in_maintenance: bool = False,
) -> None:
    """Register a consumer; its name must stay, because its place in the stream has it."""
    _consumers[name] = Consumer(name, label, frozenset(categories), handle, rests_in_maintenance)


def all_consumers() -> tuple[Consumer, ...]:
    """Return every consumer, in the order of registration."""
    return tuple(_consumers.values())


def find_consumer(name: str) -> Consumer | None:
    """Return the consumer with this name."""
    return _consumers.get(name)


def consumers_of(category: str) -> list[Consumer]:
    """Return who follows events of this category."""
    return [consumer for consumer in _consumers.values() if category in consumer.categories]

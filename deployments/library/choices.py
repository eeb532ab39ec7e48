"""What values choose from that stands on upper floors, such as worker pools."""

from collections.abc import Callable, Sequence

from deployments.base.actor import Actor
from deployments.base.models import Space

# Of what the actor may see, the public ids with the names.
Choices = Callable[[Actor, Space], Sequence[tuple[str, str]]]
_choices: dict[str, Choices] = {}


def register_choices(kind: str, choices: Choices) -> None:
    """Register what variables of the type choose from."""
    _choices[kind] = choices


def registered_choices(actor: Actor, space: Space, kind: str) -> list[tuple[str, str]]:
    """Return what variables of the type choose from; nothing for a type that nobody registered."""
    return list(_choices[kind](actor, space)) if kind in _choices else []

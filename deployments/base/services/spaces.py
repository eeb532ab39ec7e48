"""Making a space with everything that each app wants to be in it."""

from collections.abc import Callable

from django.db import transaction

from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.errors import Invalid
from deployments.base.models import Space
from deployments.base.naming import unique_slug

Seeder = Callable[[Space, Actor], None]
# Returns why the space may not be deleted now, empty when it may.
Objection = Callable[[Space], str]
Departure = Callable[[Space], None]

MOST_NAME_CHARACTERS = 200
_seeders: list[Seeder] = []
_objections: list[Objection] = []
_departures: list[Departure] = []


def register_space_seeder(seeder: Seeder) -> None:
    """Have `seeder(space, actor)` run for each new space, in its transaction.

    Apps call this in their `ready()`; seeders run in the order of the floors, lowest first.
    """
    if seeder not in _seeders:
        _seeders.append(seeder)


def register_objection(objection: Objection) -> None:
    """Have `objection(space)` asked before a space is deleted; apps call this in `ready()`."""
    if objection not in _objections:
        _objections.append(objection)


def objections_to_deletion(space: Space) -> list[str]:
    """Return why the space may not be deleted now."""
    return [text for objection in _objections if (text := objection(space))]


def register_departure(departure: Departure) -> None:
    """Have `departure(space)` run in the transaction that deletes a space, before its rows go."""
    if departure not in _departures:
        _departures.append(departure)


def depart(space: Space) -> None:
    """End what must not go on in a deleted space until its rows are gone."""
    for departure in _departures:
        departure(space)


def create_space(
    *, actor: Actor, name: str, slug: str = "", description: str = "", is_default: bool = False
) -> Space:
    """Create a space and run the seeders; the access app checks who may. Raises Invalid."""
    name = valid_space_name(name)
    with transaction.atomic():
        if Space.objects.filter(name__iexact=name).exists():
            raise Invalid(fields={"Name": [f"A space with the name '{name}' already exists."]})
        space = Space.objects.create(
            name=name,
            slug=unique_slug(slug or name, taken=_slug_taken),
            description=description,
            is_default=is_default,
        )
        for seeder in reversed(_seeders):  # apps are ready from the top floor downwards
            seeder(space, actor)
        events.record(
            actor=actor,
            space=space,
            category="Created",
            message=f"Space {space.name} was created",
            subject=space.public_id,
            after={"Name": space.name, "Description": space.description},
        )
    return space


def valid_space_name(name: str) -> str:
    """Return the name without spaces around it; raises Invalid."""
    name = name.strip()
    if not name or len(name) > MOST_NAME_CHARACTERS:
        text = f"Name is required and has at most {MOST_NAME_CHARACTERS} characters."
        raise Invalid(fields={"Name": [text]})
    return name


def _slug_taken(slug: str) -> bool:
    return Space.objects.filter(slug=slug).exists()

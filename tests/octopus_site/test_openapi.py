"""The OpenAPI document says what the server does: generated requests, every answer checked.

A short form of few requests per operation; `make schema EXAMPLES=100` sends more.
"""

import os

import pytest
from schemathesis.generation import GenerationMode

from deployments.access.models import ApiKey, ScopedUserRole, Team, User
from octopus_site.api.schema import answers
from tests.deployments.access.matrix import World, make_matrix_world
from tests.deployments.access.test_every_route import api_patterns
from tests.factories import make_cleo
from tests.factories.people import Person, as_person
from tests.support import openapi

POSITIVE, NEGATIVE = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
EXAMPLES = int(os.environ.get("OCTOPUS_TEST_SCHEMA_EXAMPLES", "0"))
# Only operations with this in verb and path.
ONLY = os.environ.get("OCTOPUS_TEST_SCHEMA_ONLY", "")
SHORT = (("administrator", POSITIVE, 1), ("viewer", POSITIVE, 1))
LONG = tuple(
    (name, mode, EXAMPLES) for name in ("administrator", "viewer") for mode in (POSITIVE, NEGATIVE)
)


def test_every_action_is_described_and_nothing_else() -> None:
    """Besides the standard ones, which answer with rows of their serializer."""
    actions = {
        f"{pattern.callback.cls.__name__}.{action}": action  # type: ignore[attr-defined]  # a view set
        for route, pattern in api_patterns()
        if route.startswith("api/<space:space>/")
        for verb, action in list(pattern.callback.actions.items())  # type: ignore[attr-defined]  # set by the fixture
        if verb != "head"
    }
    standard = {"list", "all", "retrieve", "create", "update", "destroy"}
    described = {name for name in answers() if "." in name}
    assert {name for name, action in actions.items() if action not in standard} <= described
    assert described <= set(actions)


@pytest.mark.django_db
@pytest.mark.timeout(300 + 600 * EXAMPLES)
def test_every_answer_is_as_the_document_says(capsys: pytest.CaptureFixture[str]) -> None:
    world = make_matrix_world()
    with openapi.connections_kept():
        wrong = probed(world, capsys)
    assert not wrong, f"{len(wrong)}\n" + "\n\n".join(f"{k}\n{v}" for k, v in wrong.items())


def probed(world: World, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """Return what was wrong, by operation and person."""
    people = {
        "administrator": as_person(User.objects.get(username="ana")),
        "viewer": make_cleo(world.space),
    }
    schema, space = openapi.document(), world.space.public_id
    wrong: dict[str, str] = {}
    for name, mode, examples in LONG if EXAMPLES else SHORT:
        person = people[name]
        found = openapi.probe(
            schema,
            key=person.api_key,
            ids=ids_of(person) | world.ids | {"space": space, "spaces": space},
            examples=examples,
            mode=mode,
            only=ONLY,
        )
        with capsys.disabled():
            print(
                f"\nOpenAPI as {name}, {mode.value}: {found.operations} operations,"
                f" {found.requests} requests, {found.statuses}"
            )
        wrong |= {f"{what} ({name})": text for what, text in found.wrong.items()}
    return wrong


def ids_of(person: Person) -> dict[str, str]:
    """Return ids of things of the server, by the part of a path before them."""
    return {
        "users": person.user.public_id,
        "user": person.user.public_id,
        "apikeys": ApiKey.objects.filter(user=person.user).latest("pk").public_id,
        "teams": Team.objects.filter(space__isnull=False)[0].public_id,
        "userroles": "userroles-projectviewer",
        "scopeduserroles": ScopedUserRole.objects.all()[0].public_id,
        "octopusservernodes": "OctopusServerNodes-1",
        "events": "Events-1",
    }

"""What was refused has changed nothing, whoever asked and wherever."""

import hashlib
import json
from collections.abc import Iterator, Mapping

import pytest
from django.apps import apps

from deployments.base.models import Space
from tests.deployments.access.matrix import World, make_matrix_world
from tests.deployments.access.test_matrix import ROUTES, SERVER, address
from tests.factories import give_role, make_user
from tests.factories.people import Person, as_person
from tests.security.tables import rows_of
from tests.support.cases import cases
from tests.support.rest_cases import filled

# What a request may leave that was refused (when the key was last used), and the one thing that a
# viewer may write: a dashboard of one's own.
TOUCHED = {"access.apikey", "insights.dashboardconfiguration"}
REFUSED = {401, 403, 404}


def tables() -> dict[str, str]:
    """Return a digest of each table's rows."""
    return {
        model._meta.label_lower: hashlib.sha256(repr(list(rows_of(model))).encode()).hexdigest()
        for model in apps.get_models()
        if model._meta.label_lower not in TOUCHED
    }


def holder(role: str, space: Space, scopes: Mapping[str, list[str]] | None = None) -> Person:
    user = make_user(is_service=True)
    give_role(user, role, space, scopes)
    return as_person(user)


def writes_without_body(world: World) -> Iterator[tuple[str, str, str]]:
    """Yield verb, path and body of every route that writes."""
    for route in (*ROUTES, *SERVER):
        verb, path = route["call"].split()
        if verb != "GET":
            is_of_server = route in SERVER
            place = f"/api/{path.replace('<id>', 'x-1')}" if is_of_server else address(world, route)
            yield verb, place, "{}"


def writes_with_body(world: World) -> Iterator[tuple[str, str, str]]:
    """Yield writes whose bodies are right, about the things of the world."""
    ids = {**world.ids, "space": world.space.public_id}
    for case in cases("permissions", "bodies"):
        verb, path = filled(case["call"], ids).split()
        yield verb, f"/api/{world.space.public_id}/{path}", json.dumps(filled(case["body"], ids))


@pytest.mark.django_db
def test_refused_writes_change_nothing() -> None:
    """A check that comes after the act would answer with the same status."""
    world = make_matrix_world()
    viewer = holder("userroles-projectviewer", world.space)
    elsewhere = holder("userroles-spacemanager", world.space, world.scopes["out of scope"])
    empty, whole = list(writes_without_body(world)), list(writes_with_body(world))
    before, refused, wrong = tables(), 0, []
    for person, writes in ((viewer, empty), (elsewhere, whole)):
        for verb, path, body in writes:
            answer = person.api.generic(verb, path, body, content_type="application/json")
            refused += answer.status_code in REFUSED
            if answer.status_code >= 500 or (answer.status_code < 400 and person is elsewhere):
                wrong.append(f"{verb} {path} {body}: {answer.status_code}")
    after = tables()
    assert not wrong
    assert refused > 100
    assert {name for name in before if before[name] != after[name]} == set()

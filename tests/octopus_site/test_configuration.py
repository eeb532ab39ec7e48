"""`serverconfiguration`: the task cap of new nodes by REST."""

import json
from typing import Any

import pytest
from django.conf import settings

from deployments.base.models import Event
from deployments.server_tasks.models import ServerNode
from deployments.server_tasks.services import default_task_cap, schedule
from tests.factories import Person, default_space, make_ana, make_ben, make_cleo, make_dan
from tests.factories.spaces import make_space

pytestmark = pytest.mark.django_db

PATH = "/api/serverconfiguration"


def put(person: Person, body: Any) -> tuple[int, Any]:
    answer = person.api.put(PATH, json.dumps(body), content_type="application/json")
    return answer.status_code, answer.json()


def test_new_nodes_get_the_cap_that_was_set() -> None:
    ana = make_ana()
    read = ana.api.get(PATH).json()
    assert read == {
        "Id": "server",
        "ServerUri": settings.OCTOPUS.server_url,
        "DefaultTaskCap": 5,
        "Links": {"Self": PATH},
    }
    assert put(ana, {**read, "DefaultTaskCap": 12}) == (200, {**read, "DefaultTaskCap": 12})
    schedule(node_name="node-new")
    assert ServerNode.objects.get(name="node-new").task_cap == 12
    event = Event.objects.get(subject_id="serverconfiguration")
    assert "New nodes run at most 12 tasks" in event.message
    # What is left out stays.
    assert put(ana, {})[1]["DefaultTaskCap"] == 12
    assert ana.api.get("/api").json()["Links"]["ServerConfiguration"] == PATH


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"DefaultTaskCap": 0}, "DefaultTaskCap"),
        ({"DefaultTaskCap": 10_001}, "DefaultTaskCap"),
        ({"DefaultTaskCap": "many"}, "DefaultTaskCap"),
        ({"ServerUri": "https://elsewhere.example.org"}, "ServerUri"),
        ({"ServerUri": "https://elsewhere.example.org", "DefaultTaskCap": 7}, "ServerUri"),
    ],
)
def test_nonsense_is_refused_by_field(body: dict[str, Any], field: str) -> None:
    status, answer = put(make_ana(), body)
    assert status == 400
    assert field in str(answer)
    assert default_task_cap() == 5


def test_only_who_configures_the_server_may() -> None:
    space = default_space()
    for person in (make_ben(space), make_cleo(space), make_dan(make_space())):
        assert person.api.get(PATH).status_code == 403
        assert put(person, {"DefaultTaskCap": 7})[0] == 403
    assert default_task_cap() == 5

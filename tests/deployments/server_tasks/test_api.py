"""`/api/tasks` and the nodes as Ana, Ben, Cleo and Dan see them."""

import pytest
from django.test import Client

from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.services import enqueue, schedule
from tests.factories.execution import NODE
from tests.factories.people import SYSTEM, make_ana, make_ben, make_cleo, make_dan
from tests.factories.spaces import default_space, make_space

pytestmark = pytest.mark.django_db


def make_task(environment: int = 7, tag: str = "") -> ServerTask:
    return enqueue(
        actor=SYSTEM,
        space=default_space(),
        kind="Deploy",
        description="Deploy Web release 1.2.3 to Dev",
        arguments={"DeploymentId": "Deployments-1"},
        concurrency_tag=tag,
        project_number=3,
        environment_number=environment,
    )


def test_a_task_has_the_fields_that_waiters_read() -> None:
    task = make_task()
    body = make_ana().api.get(f"/api/tasks/{task.public_id}").json()
    assert body["Id"] == task.public_id
    assert (body["Name"], body["State"], body["IsCompleted"]) == ("Deploy", "Queued", False)
    assert body["Arguments"] == {"DeploymentId": "Deployments-1"}
    assert body["ProjectId"] == "Projects-3"
    assert body["FinishedSuccessfully"] is False
    assert body["Links"]["Cancel"] == f"/api/Spaces-1/tasks/{task.public_id}/cancel"


def test_lists_filter_and_count() -> None:
    one, two = make_task(7, "a"), make_task(8, "b")
    schedule(node_name=NODE)
    waiting = make_task(7, "a")
    api = make_ana().api

    def ids(query: str) -> list[str]:
        return [item["Id"] for item in api.get(f"/api/Spaces-1/tasks?{query}").json()["Items"]]

    assert ids("") == [waiting.public_id, two.public_id, one.public_id]
    assert ids(f"ids={one.public_id},ServerTasks-999999999") == [one.public_id]
    assert ids("states=Executing") == [two.public_id, one.public_id]
    assert ids("states=Queued,Success") == [waiting.public_id]
    assert ids("environment=Environments-8") == [two.public_id]
    assert ids("project=Projects-4") == []
    assert ids("name=deploy&partialName=1.2.3&active=true&take=1") == [waiting.public_id]
    totals = api.get("/api/tasks?states=Queued").json()["TotalCounts"]
    assert (totals["Executing"], totals["Queued"]) == (2, 1)
    behind = api.get(f"/api/Spaces-1/tasks/{waiting.public_id}/queued-behind").json()
    assert [item["Id"] for item in behind["Items"]] == [one.public_id]
    assert {"Id": "Deploy", "Name": "Deploy a release"} in api.get("/api/tasks/taskTypes").json()


def test_cancel_by_every_form_of_the_path() -> None:
    ana = make_ana()
    for form in (
        "/api/tasks/{}/cancel",
        "/api/Spaces-1/tasks/{}/cancel",
        "/api/spaces/Spaces-1/tasks/{}/cancel",
    ):
        answer = ana.api.post(form.format(make_task().public_id))
        assert (answer.status_code, answer.json()["State"]) == (200, "Canceled")


def test_who_sees_and_cancels() -> None:
    space = default_space()
    staging, production = make_task(7), make_task(8)
    ben, cleo, dan = make_ben(space, "Environments-7"), make_cleo(space), make_dan(make_space())
    path = "/api/Spaces-1/tasks/{}/cancel"
    assert cleo.api.post(path.format(staging.public_id)).status_code == 403
    assert dan.api.post(path.format(staging.public_id)).status_code == 404
    assert dan.api.get(f"/api/tasks/{staging.public_id}").status_code == 404
    assert ben.api.post(path.format(production.public_id)).status_code in {403, 404}
    assert ben.api.post(path.format(staging.public_id)).status_code == 200
    assert Client().get("/api/tasks").status_code == 401


def test_nodes_are_for_those_who_configure() -> None:
    schedule(node_name=NODE)
    make_task()
    schedule(node_name=NODE)
    ana, cleo = make_ana(), make_cleo(default_space())
    assert cleo.api.get("/api/octopusservernodes").status_code == 403
    (node,) = ana.api.get("/api/octopusservernodes/all").json()
    changed = ana.api.put(
        f"/api/octopusservernodes/{node['Id']}",
        {**node, "MaxConcurrentTasks": 9},
        content_type="application/json",
    )
    assert changed.json()["MaxConcurrentTasks"] == 9

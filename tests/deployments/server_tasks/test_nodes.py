"""Nodes: what they may take, draining them, and what load balancers and people are told."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client

from deployments.base.clock import utc_now
from deployments.base.errors import Invalid, NotPermitted
from deployments.base.models import Event
from deployments.server_tasks.models import ServerNode, ServerTask
from deployments.server_tasks.services import (
    delete_node,
    enqueue,
    report_node,
    schedule,
    update_node,
)
from deployments.server_tasks.services.enqueue import PARENT_TASK
from tests.deployments.calls import send
from tests.factories.execution import NODE, SettableClock
from tests.factories.people import SYSTEM, make_ana, make_cleo
from tests.factories.spaces import default_space

pytestmark = pytest.mark.django_db
URL = "/api/octopusservernodes"


def make_task(**arguments: object) -> ServerTask:
    return enqueue(
        actor=SYSTEM,
        space=default_space(),
        kind="Deploy",
        description="something",
        arguments=arguments,
    )


def make_node(name: str = NODE, *, cap: int = 5, draining: bool = False) -> ServerNode:
    report_node(name, version="1.2.3", started=utc_now())
    node = ServerNode.objects.get(name=name)
    return update_node(actor=SYSTEM, node=node, task_cap=cap, is_draining=draining)


def reason(task: ServerTask) -> str:
    return ServerTask.objects.in_space(task.space).get(pk=task.pk).waiting_reason


def test_the_cap_of_a_node_is_set_by_those_who_configure() -> None:
    node, ana, cleo = make_node(), make_ana(), make_cleo(default_space())
    with pytest.raises(NotPermitted):
        update_node(actor=cleo.actor, node=node, task_cap=2, is_draining=False)
    for wrong in (0, -1, 10_001):
        with pytest.raises(Invalid):
            update_node(actor=ana.actor, node=node, task_cap=wrong, is_draining=False)
    update_node(actor=ana.actor, node=node, task_cap=1, is_draining=False)
    tasks = [make_task() for _ in range(2)]
    assert schedule(node_name=NODE) == [tasks[0].pk]


def test_a_drained_node_ends_what_it_has_and_takes_nothing_new() -> None:
    node = make_node()
    running = make_task()
    assert schedule(node_name=NODE) == [running.pk]
    update_node(actor=SYSTEM, node=node, task_cap=5, is_draining=True)
    waiting, child = make_task(), make_task(**{PARENT_TASK: running.public_id})
    assert schedule(node_name=NODE) == [child.pk]
    assert reason(waiting) == "Every node of the server is drained: none takes new tasks."
    update_node(actor=SYSTEM, node=node, task_cap=5, is_draining=False)
    assert schedule(node_name=NODE) == [waiting.pk]


def test_another_node_takes_what_a_drained_one_leaves() -> None:
    make_node(draining=True)
    make_node("other")
    task = make_task()
    child = make_task(**{PARENT_TASK: task.public_id})
    assert schedule(node_name=NODE) == []
    assert reason(task) == ""
    assert schedule(node_name="other") == [task.pk, child.pk]


def test_a_node_that_is_gone_counts_for_nothing() -> None:
    make_node("other")
    make_node(draining=True)
    clock = SettableClock()
    clock.now = utc_now() + timedelta(minutes=2)
    task = make_task()
    assert schedule(node_name=NODE, clock=clock) == []
    assert reason(task).startswith("Every node of the server is drained")


def test_only_a_node_that_is_gone_can_be_deleted() -> None:
    node = make_node()
    with pytest.raises(Invalid, match="is running"):
        delete_node(actor=SYSTEM, node=node)
    later = utc_now() + timedelta(minutes=2)
    with pytest.raises(NotPermitted):
        delete_node(actor=make_cleo(default_space()).actor, node=node, clock=lambda: later)
    delete_node(actor=SYSTEM, node=node, clock=lambda: later)
    assert not ServerNode.objects.exists()
    assert Event.objects.get(category="Deleted").message == f"The node {NODE} was deleted"


def test_rest_drains_and_says_what_runs() -> None:
    ana, node, task = make_ana(), make_node(cap=7), make_task()
    schedule(node_name=NODE)
    path = f"{URL}/{node.public_id}"
    _, before = send(ana, "get", path)
    assert (before["MaxConcurrentTasks"], before["Version"]) == (7, "1.2.3")
    # A client that knows the cap only leaves the rest as it is.
    assert send(ana, "put", path, {"MaxConcurrentTasks": 8})[1]["IsInMaintenanceMode"] is False
    status, saved = send(ana, "put", path, {**before, "IsInMaintenanceMode": True})
    assert (status, saved["IsInMaintenanceMode"], saved["MaxConcurrentTasks"]) == (200, True, 7)
    (shown,) = send(ana, "get", f"{URL}/summary")[1]["Nodes"]
    assert (shown["Id"], shown["IsOffline"], shown["RunningTaskCount"]) == (
        node.public_id,
        False,
        1,
    )
    _, details = send(ana, "get", f"{path}/details")
    assert [row["Id"] for row in details["RunningTasks"]] == [task.public_id]
    assert send(ana, "delete", path)[0] == 400
    assert send(ana, "put", path, {"MaxConcurrentTasks": 0})[0] == 400
    messages = Event.objects.filter(subject_id=node.public_id).values_list("message", flat=True)
    assert list(messages.order_by("pk")) == [
        f"The task cap of node {NODE} is now 7",
        f"The task cap of node {NODE} is now 8",
        f"The node {NODE} is being drained",
    ]


def test_a_load_balancer_is_told_without_signing_in() -> None:
    name = settings.OCTOPUS.node_name
    anybody = Client()
    answer = anybody.get(f"{URL}/ping")
    assert (answer.status_code, answer.json()["Name"]) == (200, name)
    node = make_node(name, draining=True)
    answer = anybody.get(f"{URL}/ping")
    assert answer.status_code == 418
    assert answer.json() == {"Id": node.public_id, "Name": name, "IsInMaintenanceMode": True}

"""Maintenance mode: who may write, what people read, and what rests meanwhile."""

from datetime import timedelta

import pytest
from django.test import Client

from deployments.access.services.maintenance import maintenance, set_maintenance
from deployments.base.clock import utc_now
from deployments.base.errors import Invalid, NotPermitted
from deployments.base.following.consuming import consume
from deployments.base.models import Event
from deployments.projects.models import ProjectTrigger
from deployments.releases.tasks import run_due_schedules_task
from tests.deployments.calls import S, send
from tests.factories.automation import make_trigger
from tests.factories.domain import make_environment, make_lifecycle, make_project, make_release
from tests.factories.execution import make_scene
from tests.factories.people import PASSWORD, SYSTEM, Person, give_role, make_ana, make_cleo
from tests.factories.spaces import default_space
from tests.support.portal import Visitor

pytestmark = pytest.mark.django_db
URL = "/api/maintenanceconfiguration"
REASON = "The database moves until noon."
SENTENCE = (
    "The server is in maintenance mode: only its administrators may change anything now."
    " The database moves until noon."
)


def switch(*, is_on: bool) -> None:
    set_maintenance(actor=SYSTEM, is_on=is_on, reason=REASON if is_on else "")


def make_builder() -> Person:
    """Make somebody who may create environments, and administers nothing."""
    person = make_cleo(default_space())
    give_role(person.user, "userroles-environmentmanager", default_space())
    return person


def test_only_administrators_write() -> None:
    ana, builder = make_ana(), make_builder()
    assert send(builder, "post", f"{S}/environments", {"Name": "One"})[0] == 201
    switch(is_on=True)
    status, answer = send(builder, "post", f"{S}/environments", {"Name": "Two"})
    assert (status, answer) == (503, {"ErrorMessage": SENTENCE})
    assert send(builder, "get", f"{S}/environments/all")[0] == 200
    assert send(ana, "post", f"{S}/environments", {"Name": "Three"})[0] == 201
    switch(is_on=False)
    assert send(builder, "post", f"{S}/environments", {"Name": "Four"})[0] == 201


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{S}/environments", 503),
        ("/api/spaces-1/Environments", 503),
        ("/app/Spaces-1/administration/teams/new", 503),
        ("/nuget/packages", 503),
        ("/api/v2/package", 503),
        ("/agent/v1/register", 401),
        ("/api/users/login", 200),
        ("/app/sign-in", 302),
    ],
)
def test_what_strangers_may_send(path: str, status: int) -> None:
    person = make_cleo(default_space())
    switch(is_on=True)
    sent = {"Username": person.user.username, "Password": PASSWORD}
    if path.startswith("/app"):
        sent = {"username": person.user.username, "password": PASSWORD}
        answer = Client().post(path, sent)
    else:
        answer = Client().post(path, sent, content_type="application/json")
    assert answer.status_code == status
    assert answer.headers.get("Retry-After") == ("60" if status == 503 else None)


def test_every_page_says_so() -> None:
    visitor = Visitor(make_cleo(default_space()))
    assert "maintenance mode" not in visitor.get("dashboard").text
    switch(is_on=True)
    assert SENTENCE in visitor.get("dashboard").text
    assert send(make_ana(), "get", "/api/serverstatus")[1]["IsInMaintenanceMode"] is True


def test_rest_switches_it() -> None:
    ana, cleo = make_ana(), make_cleo(default_space())
    off = {
        "Id": "maintenance",
        "IsInMaintenanceMode": False,
        "Reason": "",
        "Links": {"Self": URL},
    }
    assert send(ana, "get", URL) == (200, off)
    body = {"IsInMaintenanceMode": True, "Reason": REASON}
    assert send(ana, "put", URL, body)[1] == {**off, **body}
    assert send(cleo, "get", URL)[0] == 403
    assert send(ana, "put", URL, {**body, "Reason": "x" * 301})[0] == 400
    assert send(ana, "put", URL, {"IsInMaintenanceMode": False}) == (200, off)
    events = Event.objects.filter(subject_id="maintenanceconfiguration").order_by("pk")
    assert [(row.message, row.actor_id) for row in events] == [
        ("Maintenance mode was switched on", ana.actor.public_id),
        ("Maintenance mode was switched off", ana.actor.public_id),
    ]


def test_switching_twice_keeps_since_when() -> None:
    switch(is_on=True)
    first = maintenance()
    assert first is not None
    set_maintenance(actor=make_ana().actor, is_on=True, reason="Something else.")
    second = maintenance()
    assert second is not None
    assert (second.since, second.by, second.reason) == (first.since, "System", "Something else.")


def test_who_may_not_and_what_is_too_long() -> None:
    with pytest.raises(NotPermitted, match="AdministerSystem"):
        set_maintenance(actor=make_cleo(default_space()).actor, is_on=True)
    with pytest.raises(Invalid, match="300"):
        set_maintenance(actor=SYSTEM, is_on=True, reason="x" * 301)


def test_what_runs_goes_on_to_its_end() -> None:
    scene = make_scene(begin=False)
    switch(is_on=True)
    scene.begin()
    scene.run_to_end()
    assert scene.state() == "Success"


def test_automation_rests_and_makes_up_for_it() -> None:
    environment = make_environment()
    project = make_project(lifecycle=make_lifecycle(environment))
    while consume("lifecycles"):
        pass
    trigger = make_trigger(
        project,
        {"FilterType": "CronExpressionSchedule", "CronExpression": "0 0 4 * * *"},
        {
            "ActionType": "DeployLatestRelease",
            "SourceEnvironmentIds": [environment.public_id],
            "DestinationEnvironmentId": environment.public_id,
        },
    )
    due = utc_now() - timedelta(minutes=1)
    rows = ProjectTrigger.objects.in_space(project.space).filter(pk=trigger.pk)
    rows.update(next_run=due)
    switch(is_on=True)
    make_release(project, "1.0.0")
    assert consume("lifecycles") == 0
    run_due_schedules_task()
    assert rows.get().next_run == due
    switch(is_on=False)
    assert consume("lifecycles") == 2  # the trigger and the release
    run_due_schedules_task()
    assert rows.filter(next_run__gt=utc_now()).exists()

"""What freezes do to deployments, who may pass them, and their REST resource."""

from datetime import timedelta
from typing import Any

import pytest

from deployments.base.clock import utc_now
from deployments.base.errors import Invalid, NotPermitted
from deployments.base.models import Event
from deployments.execution.services.advance import advance
from deployments.infrastructure.models import Environment
from deployments.projects.models import Project
from deployments.releases.freezes.holding import freezes_for, freezes_of_project
from deployments.releases.models import Deployment, DeploymentFreeze, FreezeScope
from deployments.releases.options import Trigger
from deployments.releases.services import DeploymentOptions, create_deployment
from deployments.releases.services.freezes import FreezeInput, FreezePlace, create_freeze
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.services.queue import schedule
from tests.deployments.calls import S, send
from tests.factories import (
    SYSTEM,
    default_space,
    make_ana,
    make_ben,
    make_cleo,
    make_dan,
    make_space,
)
from tests.factories.domain import (
    make_deployment,
    make_lifecycle,
    make_project,
    make_release,
    script_step,
)
from tests.factories.runbooks import make_run, make_runbook, make_snapshot

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(dev: Environment) -> Project:
    return make_project("Web", lifecycle=make_lifecycle(dev), steps=[script_step("Hello")])


def make_freeze(
    *places: FreezePlace, name: str = "Holidays", starts: int = -1, hours: int = 2, **fields: Any
) -> DeploymentFreeze:
    start = utc_now() + timedelta(hours=starts)
    freeze = FreezeInput(name, start, start + timedelta(hours=hours), places, **fields)
    return create_freeze(actor=SYSTEM, space=default_space(), freeze=freeze)


def test_a_freeze_refuses_new_deployments_in_its_scope(project: Project, dev: Environment) -> None:
    release = make_release(project)
    freeze = make_freeze(FreezePlace(project, dev))
    with pytest.raises(Invalid, match="'Holidays' holds until") as refused:
        make_deployment(release, dev)
    assert any("Give a reason" in text for text in refused.value.errors)
    other = make_project("Api", lifecycle=project.lifecycle, steps=[script_step()])
    assert make_deployment(make_release(other), dev).pk
    freeze.end = utc_now()
    freeze.save()
    assert make_deployment(release, dev).pk


def test_scopes_with_a_tenant_hold_that_tenant_alone(project: Project, dev: Environment) -> None:
    make_freeze(FreezePlace(project, dev, tenant=7), name="Tenant")
    everybody = make_freeze(FreezePlace(project, dev), name="All", starts=1)
    now, later = utc_now(), utc_now() + timedelta(hours=1, minutes=30)
    place = {"project": project.pk, "environment": dev.pk}
    space = default_space()
    assert not freezes_for(space, **place, at=now)
    assert not freezes_for(space, **place, tenant=8, at=now)
    assert [each.freeze.name for each in freezes_for(space, **place, tenant=7, at=now)] == [
        "Tenant"
    ]
    assert [each.freeze.name for each in freezes_for(space, **place, tenant=8, at=later)] == ["All"]
    coming = freezes_of_project(space, project.pk).coming(dev.pk, after=now)
    assert coming is not None
    assert coming.freeze == everybody
    assert not freezes_for(make_space("Other"), **place, tenant=7, at=now)


def test_asking_for_many_places_is_one_query(
    project: Project, dev: Environment, django_assert_num_queries: Any
) -> None:
    for number in range(5):
        make_freeze(FreezePlace(project, dev), name=f"Freeze {number}")
    space = default_space()
    with django_assert_num_queries(1):
        freezes = freezes_of_project(space, project.pk)
        assert len(freezes.holding(dev.pk, at=utc_now())) == 5
        assert freezes.coming(dev.pk, after=utc_now()) is None


def test_an_override_needs_a_reason_and_the_permission(project: Project, dev: Environment) -> None:
    release = make_release(project)
    freeze = make_freeze(FreezePlace(project, dev))
    ana, ben = make_ana(), make_ben(default_space(), dev.public_id)
    options = DeploymentOptions(freeze_reason="A fix for the outage")
    with pytest.raises(Invalid, match="holds until") as refused:
        create_deployment(actor=ben.actor, release=release, environment=dev)
    assert any("DeploymentFreezeAdminister" in text for text in refused.value.errors)
    with pytest.raises(NotPermitted, match="DeploymentFreezeAdminister"):
        create_deployment(actor=ben.actor, release=release, environment=dev, options=options)
    deployment = create_deployment(
        actor=ana.actor, release=release, environment=dev, options=options
    )
    assert deployment.options["freezes"] == [freeze.public_id]
    event = Event.objects.get(category="DeploymentFreezeOverridden")
    assert "A fix for the outage" in event.message
    make_freeze(FreezePlace(project, dev), name="Quarter end")
    named = DeploymentOptions(freeze_reason="Why not", freeze_names=("holidays",))
    with pytest.raises(Invalid, match="'Quarter end' holds"):
        create_deployment(actor=ana.actor, release=release, environment=dev, options=named)


def started(deployment: Deployment) -> ServerTask:
    """Let the queue start the task, and advance it."""
    schedule(node_name="test")
    advance(deployment.task_id)
    return ServerTask.objects.in_space(deployment.space).get(pk=deployment.task_id)


def test_a_queued_deployment_that_starts_in_a_freeze_fails(
    project: Project, dev: Environment
) -> None:
    deployment = make_deployment(make_release(project), dev)
    make_freeze(FreezePlace(project, dev))
    task = started(deployment)
    assert task.state == "Failed"
    assert "did not start. The deployment freeze 'Holidays' holds until" in task.error_message


@pytest.mark.parametrize(
    "passing",
    [
        {"freeze_reason": "Urgent"},
        {"trigger": Trigger("ProjectTriggers-1", "New", is_for_targets=True)},
    ],
)
def test_what_was_let_pass_starts(
    project: Project, dev: Environment, passing: dict[str, Any]
) -> None:
    make_freeze(FreezePlace(project, dev))
    task = started(make_deployment(make_release(project), dev, **passing))
    # There is nobody to run the step; that it failed shows that it was begun.
    assert "The step 'Hello' failed" in task.error_message


def test_runbooks_run_in_a_freeze(project: Project, dev: Environment) -> None:
    make_freeze(FreezePlace(project, dev))
    runbook = make_runbook(project, "Clean", script_step("Hello"))
    make_snapshot(runbook)
    run = make_run(runbook, dev)
    schedule(node_name="test")
    advance(run.task_id)
    task = ServerTask.objects.in_space(run.space).get(pk=run.task_id)
    assert "The step 'Hello' failed" in task.error_message


def test_rest(project: Project, dev: Environment) -> None:
    ana, cleo = make_ana(), make_cleo(default_space())
    body = {
        "Name": "Weekends",
        "Start": "2030-01-04T17:00:00+00:00",
        "End": "2030-01-07T07:00:00+00:00",
        "ProjectEnvironmentScope": {project.public_id: [dev.public_id]},
        "RecurringSchedule": {"Type": "Weekly", "Unit": 1, "EndType": "Never"},
    }
    status, made = send(ana, "post", "/api/deploymentfreezes", body)
    assert status == 201, made
    assert made["ProjectEnvironmentScope"] == {project.public_id: [dev.public_id]}
    assert (made["Status"], made["RecurringSchedule"]["Type"]) == ("Scheduled", "Weekly")
    path = f"/api/deploymentfreezes/{made['Id']}"
    assert send(cleo, "get", path)[1]["Name"] == "Weekends"
    assert send(cleo, "put", path, body)[0] == 403
    assert send(cleo, "delete", path)[0] == 403
    assert send(make_dan(make_space("Other")), "get", path)[0] == 404
    status, listed = send(ana, "get", f"{S}/deploymentfreezes?status=Active")
    assert (status, listed["Count"], listed["DeploymentFreezes"]) == (200, 0, [])
    _, listed = send(ana, "get", f"{S}/deploymentfreezes?environmentIds={dev.public_id}")
    assert [each["Id"] for each in listed["Items"]] == [made["Id"]]
    assert send(ana, "get", f"{S}/deploymentfreezes?status=Odd")[0] == 400
    tenant = {
        "TenantId": "Tenants-3",
        "ProjectId": project.public_id,
        "EnvironmentId": dev.public_id,
    }
    changed = {**body, "Name": "Evenings", "TenantProjectEnvironmentScope": [tenant]}
    status, saved = send(ana, "put", path, changed)
    assert (status, saved["TenantProjectEnvironmentScope"]) == (200, [tenant])
    for wrong, word in (
        ({"End": "2029-01-01T00:00:00Z"}, "after the start"),
        (
            {"ProjectEnvironmentScope": {"Projects-999999999": [dev.public_id]}},
            "Projects-999999999",
        ),
        ({"RecurringSchedule": {"Type": "Hourly"}}, "Type must be"),
        ({"TimeZone": "Mars/Base"}, "Mars/Base"),
    ):
        status, answer = send(ana, "put", path, {**changed, **wrong})
        assert (status, word in str(answer)) == (400, True), answer
    assert send(ana, "delete", path)[0] == 200
    assert not FreezeScope.objects.exists()
    messages = Event.objects.filter(subject_id=made["Id"]).values_list("category", flat=True)
    assert list(messages) == ["Deleted", "Modified", "Created"]


def test_deploying_by_rest_says_which_freeze_holds(project: Project, dev: Environment) -> None:
    ana, release = make_ana(), make_release(project, "1.0.0")
    make_freeze(FreezePlace(project, dev))
    body = {"ReleaseId": release.public_id, "EnvironmentId": dev.public_id}
    status, answer = send(ana, "post", f"{S}/deployments", body)
    assert (status, "'Holidays' holds until" in str(answer)) == (400, True)
    reason = {
        "DeploymentFreezeNames": ["Holidays"],
        "DeploymentFreezeOverrideReason": "Agreed with operations",
    }
    assert send(ana, "post", f"{S}/deployments", {**body, **reason})[0] == 201
    names = {"ProjectName": "Web", "ReleaseVersion": "1.0.0", "EnvironmentNames": ["Dev"]}
    path = f"{S}/deployments/create/untenanted/v1"
    assert send(ana, "post", path, names)[0] == 400
    assert send(ana, "post", path, {**names, **reason})[0] == 201

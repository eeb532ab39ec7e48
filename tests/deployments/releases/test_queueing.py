"""The task of a deployment: its concurrency tag, its priority, the warning before a second one."""

from typing import Any

import pytest

from deployments.base.errors import Invalid
from deployments.library.services import VariableInput
from deployments.projects.services.lifecycles import PhaseInput
from deployments.releases.models import Deployment
from tests.factories.domain import (
    make_deployment,
    make_environment,
    make_lifecycle,
    make_project,
    make_release,
    make_variables,
    script_step,
)
from tests.factories.execution import make_scene
from tests.factories.people import make_ana
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db
TAG = "Octopus.Task.ConcurrencyTag"


def deploy(*variables: VariableInput, is_priority: bool = False, priority: str = "") -> Deployment:
    environment = make_environment()
    phase = PhaseInput("Only", manual=[environment], is_priority=is_priority)
    project = make_project(lifecycle=make_lifecycle(phase), steps=[script_step()])
    make_variables(project, *variables)
    options: dict[str, Any] = {"priority": priority} if priority else {}
    return make_deployment(make_release(project, "1.0.0"), environment, **options)


def test_the_usual_tag_is_project_and_environment() -> None:
    deployment = deploy()
    usual = f"{deployment.project.public_id}/{deployment.environment.public_id}"
    assert deployment.task.concurrency_tag == usual
    assert deploy(VariableInput(TAG, "  ")).task.concurrency_tag.startswith("Projects-")


def test_a_variable_sets_another_tag() -> None:
    host = VariableInput("Host", "shared-1")
    tag = VariableInput(TAG, "#{Host} of #{Octopus.Environment.Name}")
    deployment = deploy(host, tag)
    place = deployment.environment.name
    assert deployment.task.concurrency_tag == f"Spaces-1/shared-1 of {place}"


def test_only_a_value_in_scope_sets_the_tag() -> None:
    there = make_environment().public_id
    elsewhere = VariableInput(TAG, "other", scope={"Environment": [there]})
    assert deploy(elsewhere).task.concurrency_tag.startswith("Projects-")


def test_a_tag_that_is_none_is_told() -> None:
    with pytest.raises(Invalid, match="cannot be evaluated"):
        deploy(VariableInput(TAG, "#{A}"), VariableInput("A", "#{A}"))
    with pytest.raises(Invalid, match="longer than 300"):
        deploy(VariableInput(TAG, "x" * 301))


@pytest.mark.parametrize(
    ("is_priority", "wish", "expected"),
    [(False, "", 0), (True, "", 1), (True, "Off", 0), (False, "On", 1)],
)
def test_the_phase_gives_priority_unless_the_deployment_says(
    *, is_priority: bool, wish: str, expected: int
) -> None:
    assert deploy(is_priority=is_priority, priority=wish).task.priority == expected


def test_a_priority_that_is_none_is_refused() -> None:
    with pytest.raises(Invalid) as caught:
        deploy(priority="Highest")
    assert "Priority" in caught.value.fields


def test_the_page_warns_of_the_same_release_that_waits_there() -> None:
    properties = {"Octopus.Action.Manual.Instructions": "Look"}
    action = {"Name": "Approve", "ActionType": "Octopus.Manual", "Properties": properties}
    scene = make_scene({"Name": "Approve", "Actions": [action]})
    project, environment = scene.deployment.project, scene.environment
    path = f"projects/{project.slug}/releases/1.0.0/deploy?environment={environment.public_id}"
    shown = text_of(Visitor(make_ana()).get(path))
    assert "This release already waits for people here" in shown
    assert f"{scene.task.public_id} of the same release to {environment.name}" in shown

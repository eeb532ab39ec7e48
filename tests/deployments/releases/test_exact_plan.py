"""The plan that people look at is the plan that is carried out."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.execution.models import ExecutionPlan
from deployments.execution.plan import plan_from_json
from deployments.execution.services.start import make_execution_plan
from deployments.infrastructure.models import Environment, Machine
from deployments.library.services import VariableInput
from deployments.releases.models import Release
from deployments.releases.options import DeploymentOptions
from deployments.releases.services.exact_plan import (
    ExactAction,
    ExactPlace,
    ExactPlan,
    exact_plan,
)
from tests.deployments.calls import S, send
from tests.factories import SYSTEM, default_space, give_role, make_ana, make_user
from tests.factories.domain import (
    make_deployment,
    make_environment,
    make_lifecycle,
    make_machine,
    make_package,
    make_project,
    make_release,
    make_variables,
    package_step,
    script_step,
)
from tests.factories.execution import make_agent
from tests.factories.people import as_person

pytestmark = pytest.mark.django_db


def places(plan: ExactPlan) -> list[tuple[str, list[str], str]]:
    return [
        (f"{action.number} {action.name}", [p.name for p in action.places], action.skip_reason)
        for step in plan.steps
        for action in step.actions
    ]


def make_world(targets: int = 2, steps: int = 3) -> tuple[Release, Environment]:
    dev = make_environment("Dev")
    for number in range(targets):
        make_agent(make_machine(dev, name=f"web-{number:03}"))
    make_package("Acme.Web", "1.0.0")
    more = [script_step(f"Step {number}", roles="web") for number in range(steps)]
    rolling = script_step("Rolling", roles="web")
    rolling["Properties"]["Octopus.Action.MaxParallelism"] = "#{Window}"
    rolling["StartTrigger"] = "StartWithPrevious"
    rolling["Condition"] = "Always"
    project = make_project(
        "Web",
        lifecycle=make_lifecycle(dev),
        steps=[
            package_step("Acme.Web", "Install"),
            *more,
            rolling,
            script_step("Nowhere", roles="#{Secret}"),
        ],
    )
    make_variables(
        project,
        VariableInput("Window", "2"),
        VariableInput("Secret", "s3cret-tag", kind="Sensitive"),
    )
    return make_release(project, "1.0.0"), dev


def test_the_preview_is_the_plan_of_the_planner() -> None:
    release, dev = make_world()
    first = release.process_snapshot.steps[1]["Actions"][0]["Id"]
    machine = Machine.objects.in_space(release.space).order_by("pk")[0].public_id
    options: dict[str, Any] = {"skip_actions": (first,), "excluded_machines": (machine,)}
    preview = exact_plan(release, dev, DeploymentOptions(**options), viewer=SYSTEM)
    deployment = make_deployment(release, dev, **options)
    plan = plan_from_json(make_execution_plan(deployment.task).document)
    assert [[step.name for step in group] for group in preview.groups] == [
        [step.name for step in group.steps] for group in plan.groups
    ]
    shown = {name: (names, why) for name, names, why in places(preview)}
    for step in plan.steps:
        for action in step.actions:
            names, why = shown[f"{action.number} {action.name}"]
            assert bool(why) == bool(action.skip_reason or step.skip_reason)
            if not step.skip_reason:
                assert names == [place.target_name for place in action.placements]
    assert not ExecutionPlan.objects.in_space(release.space).exists()
    rolling = next(step for step in preview.steps if step.name == "Rolling")
    assert (rolling.window, rolling.condition) == (2, "Always")


def test_the_features_of_steps_are_named() -> None:
    make_package("Acme.Web", "1.0.0")
    step = package_step("Acme.Web", "Install")
    step["Actions"][0]["Properties"]["Octopus.Action.EnabledFeatures"] = (
        "Octopus.Features.JsonConfigurationVariables, octopus.features.substituteinfiles"
    )
    dev = make_environment("Dev")
    make_agent(make_machine(dev, name="web"))
    steps = [step, script_step("Script", roles="web")]
    project = make_project("Web", lifecycle=make_lifecycle(dev), steps=steps)
    plan = exact_plan(make_release(project, "1.0.0"), dev, viewer=SYSTEM)
    assert [action.features for each in plan.steps for action in each.actions] == [
        (),
        ("Substitute variables in files", "Structured configuration variables"),
        (),
    ]


def test_secrets_and_hidden_targets_do_not_show() -> None:
    release, dev = make_world()
    user = make_user("eve")
    give_role(user, "userroles-projectviewer", default_space(), {"environment": []})
    plan = exact_plan(release, dev, viewer=as_person(user).actor)
    text = str(plan)
    assert "s3cret-tag" not in text
    assert "No deployment target has the tag ********." in text
    blind = exact_plan(release, dev, viewer=as_person(make_user("fay")).actor)
    assert "web-000" not in str(blind)
    assert {action.hidden for step in blind.steps[1:3] for action in step.actions} == {2}


def test_the_number_of_queries_does_not_grow() -> None:
    def queries(release: Release, dev: Environment) -> int:
        again = Release.objects.in_space(release.space).select_related("project").get(pk=release.pk)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            exact_plan(again, dev, viewer=SYSTEM)
        return len(captured)

    release, dev = make_world()
    few = queries(release, dev)
    for number in range(20):
        make_agent(make_machine(dev, name=f"more-{number:03}"))
    assert queries(release, dev) == few
    assert few < 30


def test_of_many_targets_thirty_are_named() -> None:
    places = tuple(ExactPlace(f"Machines-{number}", f"web-{number}") for number in range(33))
    action = ExactAction("1", "a", "Deploy", "Octopus.Script", (*places, ExactPlace("", "Server")))
    assert (action.shown_targets, action.more_targets) == (places[:30], 3)
    assert ExactAction("1", "a", "Deploy", "Octopus.Script", places[:30]).more_targets == 0


def test_rest() -> None:
    release, dev = make_world()
    ana = make_ana()
    path = f"{S}/releases/{release.public_id}/deployments"
    status, preview = send(ana, "get", f"{path}/preview/{dev.public_id}")
    assert status == 200
    groups = preview["Plan"]["Groups"]
    assert [step["Name"] for step in groups[0]["Steps"]] == ["Acquire packages"]
    install = groups[1]["Steps"][0]["Actions"][0]
    assert (install["ActionName"], [place["Name"] for place in install["Places"]]) == (
        "Install",
        ["web-000", "web-001"],
    )
    machines = {step["ActionName"]: step["MachineNames"] for step in preview["StepsToExecute"]}
    for group in groups[1:]:
        for step in group["Steps"]:
            for action in step["Actions"]:
                names = [place["Name"] for place in action["Places"]]
                assert names == machines[action["ActionName"]]
    body = {"DeploymentPreviews": [{"EnvironmentId": dev.public_id}]}
    assert send(ana, "post", f"{path}/previews", body)[1] == [preview]

"""Choosing where and how to deploy, the plan, and the deployment that comes of it."""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from deployments.base.clock import utc_now
from deployments.infrastructure.models import Environment, Machine
from deployments.library.services import VariableInput
from deployments.releases.models import Deployment, Release
from tests.factories import default_space, make_ana, make_ben
from tests.factories.domain import (
    make_deployment,
    make_environment,
    make_lifecycle,
    make_machine,
    make_project,
    make_release,
    make_variables,
    script_step,
)
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db
PATH = "projects/web/releases/1.0.0/deploy"


@dataclass
class World:
    development: Environment
    staging: Environment
    machines: list[Machine]
    release: Release

    def send(self, **fields: object) -> dict[str, object]:
        return {"environment": self.development.public_id, **fields}


@pytest.fixture
def world() -> World:
    development, staging = make_environment("Development"), make_environment("Staging")
    machines = [make_machine(development, staging, name=f"web-0{n}") for n in (1, 2)]
    project = make_project(
        "Web",
        lifecycle=make_lifecycle(development, staging),
        steps=[
            script_step("Prepare"),
            script_step("Install", roles="web"),
            script_step("Check", roles="web", IsRequired=True),
        ],
    )
    prompt = {"label": "Reason", "description": "Why now?", "required": True}
    make_variables(project, VariableInput(name="Reason", value="", prompt=prompt))
    return World(development, staging, machines, make_release(project, "1.0.0"))


def newest() -> Deployment:
    return Deployment.objects.in_space(default_space()).order_by("-pk")[0]


def test_it_says_where_it_may_go_and_why_not(world: World) -> None:
    ana = Visitor(make_ana())
    page = text_of(ana.get(PATH))
    assert "Deploy 1.0.0 to Development" in page
    assert "First the phase Development must succeed." in page
    assert "Choose where to deploy" in text_of(ana.get(PATH, {"environment": "staging"}))
    make_deployment(
        world.release, world.development, state="Success", form_values={"Reason": "test"}
    )
    assert "Deploy 1.0.0 to Staging" in text_of(ana.get(PATH))
    ben = Visitor(make_ben(default_space(), world.development.public_id))
    assert "You need the permission DeploymentCreate there." in text_of(ben.get(PATH)) or (
        "Staging" not in text_of(ben.get(PATH))
    )


def test_the_plan_follows_the_choices(world: World) -> None:
    ana = Visitor(make_ana())
    page = text_of(ana.get(PATH))
    assert "1 Prepare Once, on Octopus Server" in page or "Once, on the server" in page
    install = world.release.process_snapshot.steps[1]["Actions"][0]["Id"]
    sent = world.send(
        preview="1", targets="without", machine=[world.machines[0].public_id], skip=[install]
    )
    answer = ana.post(PATH, sent, headers={"HX-Target": "plan"})
    plan = text_of(answer)
    assert answer.status_code == 200
    assert "Left out" in plan
    assert "Without web-01" in plan
    assert "Check web-02" in plan
    whole = ana.post(PATH, sent)
    assert "<h1>" in whole.content.decode()
    assert not Deployment.objects.in_space(default_space()).exists()


def test_it_deploys_with_what_was_chosen(world: World) -> None:
    ana = Visitor(make_ana())
    prompt = world.release.variable_snapshot.variables[0]["id"]
    missing = ana.post(PATH, world.send())
    assert missing.status_code == 400
    assert "needs a value" in text_of(missing)
    start = utc_now() + timedelta(hours=2)
    answer = ana.post(
        PATH,
        world.send(
            **{f"prompt:{prompt}": "Fix"},
            targets="only",
            machine=[world.machines[1].public_id],
            when="later",
            not_before=start.strftime("%Y-%m-%dT%H:%M"),
            comments="as agreed",
        ),
    )
    deployment = newest()
    assert answer["Location"] == f"/app/Spaces-1/tasks/ServerTasks-{deployment.task_id}"
    assert deployment.options["specific_machines"] == [world.machines[1].public_id]
    assert deployment.options["form_values"] == {"Reason": "Fix"}
    assert deployment.comments == "as agreed"
    assert deployment.task.not_before == start.replace(second=0, microsecond=0)
    assert ana.get(f"deployments/{deployment.public_id}")["Location"] == answer["Location"]


def test_wrong_choices_are_refused_and_kept(world: World) -> None:
    ana = Visitor(make_ana())
    prompt = world.release.variable_snapshot.variables[0]["id"]
    answer_given = {f"prompt:{prompt}": "Fix the totals"}
    none = ana.post(PATH, world.send(**answer_given, targets="only"))
    assert "Mark at least one target" in text_of(none)
    assert "Fix the totals" in none.content.decode()
    late = ana.post(PATH, world.send(**answer_given, when="later", not_before="soon"))
    assert "Give the date and time of the start." in text_of(late)
    assert not Deployment.objects.in_space(default_space()).exists()


def test_nobody_deploys_where_they_may_not(world: World) -> None:
    ben = Visitor(make_ben(default_space(), world.staging.public_id))
    answer = ben.post(PATH, world.send())
    assert answer.status_code in {200, 403}
    assert not Deployment.objects.in_space(default_space()).exists()

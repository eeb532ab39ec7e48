"""Prompted variables: who is asked what, and which answers are taken."""

import pytest

from deployments.base.errors import Invalid
from deployments.base.secrets import Secret
from deployments.infrastructure.models import Environment
from deployments.library.scoping import resolve
from deployments.library.services import VariableInput
from deployments.library.values import open_candidate
from deployments.projects.models import Project
from deployments.releases.models import Deployment
from deployments.releases.prompts import prompts_for
from deployments.releases.variables import deployment_candidates, deployment_context
from tests.deployments.calls import S, send
from tests.factories import make_ana
from tests.factories.domain import (
    make_deployment,
    make_environment,
    make_lifecycle,
    make_project,
    make_release,
    make_variables,
    script_step,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(dev: Environment) -> Project:
    return make_project("Web", lifecycle=make_lifecycle(dev), steps=[script_step("Hello")])


def test_prompts(project: Project, dev: Environment) -> None:
    prod = make_environment("Prod")
    make_variables(
        project,
        VariableInput("Reason", "", prompt={"label": "Why", "required": True}),
        VariableInput(
            "Token", None, is_sensitive=True, prompt={"label": "A token", "required": True}
        ),
        VariableInput(
            "Other",
            "",
            prompt={"label": "Other", "required": True},
            scope={"Environment": [prod.public_id]},
        ),
        VariableInput("Size", "5", prompt={"label": "Size", "required": True}),
    )
    release = make_release(project)
    asked = prompts_for(release, environment=dev.public_id)
    assert [prompt.label for prompt in asked] == ["A token", "Size", "Why"]
    with pytest.raises(Invalid) as failure:
        make_deployment(release, dev, form_values={"Reason": " "})
    assert failure.value.errors == (
        "The variable 'A token' needs a value.",
        "The variable 'Why' needs a value.",
    )
    by_id = next(prompt.id for prompt in asked if prompt.name == "Reason")
    deployment = make_deployment(
        release, dev, form_values={by_id: "because", "token": "very secret"}
    )
    assert "very secret" not in str(deployment.options)
    candidates = deployment_candidates(deployment)
    values = {}
    for name in ("Reason", "Token", "Size"):
        winner = resolve(name, candidates, deployment_context(deployment))
        assert winner is not None
        value = open_candidate(winner.candidate)
        values[name] = value if isinstance(value, str | None) else value.reveal()
    assert values == {"Reason": "because", "Token": "very secret", "Size": "5"}


def test_an_answer_is_one_of_the_choices(project: Project, dev: Environment) -> None:
    display = {"Octopus.ControlType": "Select", "Octopus.SelectOptions": "v1|First\nv2|Second"}
    prompt = {"label": "Which one", "display_settings": display}
    make_variables(project, VariableInput("Which", "v0", prompt=prompt))
    release = make_release(project)
    for wrong in ("v3", "First", "V1"):
        with pytest.raises(Invalid, match="'Which one' must be one of its choices: v1, v2"):
            make_deployment(release, dev, form_values={"Which": wrong})
    # What it proposes may stay, and what an expression chooses is known only when it is used.
    for answer in ("v1", "v2", "v0", "#{Chosen}", ""):
        make_deployment(release, dev, form_values={"Which": answer})


def test_null_answers_nothing(project: Project, dev: Environment) -> None:
    make_variables(
        project,
        VariableInput("Token", "stored secret", is_sensitive=True, prompt={"label": "A token"}),
        VariableInput("Size", "5", prompt={"label": "Size"}),
    )
    release = make_release(project)
    asked = prompts_for(release, environment=dev.public_id)
    body = {
        "ReleaseId": release.public_id,
        "EnvironmentId": dev.public_id,
        "FormValues": {prompt.id: None for prompt in asked},
    }
    status, answer = send(make_ana(), "post", f"{S}/deployments", body)
    assert status == 201, answer
    number = int(answer["Id"].partition("-")[2])
    deployment = Deployment.objects.in_space(release.space).get(pk=number)
    winner = resolve("Token", deployment_candidates(deployment), deployment_context(deployment))
    assert winner is not None
    value = open_candidate(winner.candidate)
    assert isinstance(value, Secret)
    assert value.reveal() == "stored secret"

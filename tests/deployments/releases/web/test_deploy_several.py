"""Deploying to several environments at once: eligible or why not, all of them or none."""

import pytest

from deployments.base.errors import Invalid, NotPermitted
from deployments.infrastructure.models import Environment
from deployments.library.services import VariableInput
from deployments.projects.services.lifecycles import PhaseInput
from deployments.releases.models import Deployment, Release
from deployments.releases.options import DeploymentOptions
from deployments.releases.services import Place, create_deployments
from tests.deployments.calls import S, send
from tests.factories import SYSTEM, default_space, make_ana, make_ben
from tests.factories.domain import (
    make_environment,
    make_lifecycle,
    make_project,
    make_release,
    make_variables,
    script_step,
)
from tests.support.portal import Visitor, hidden, text_of

pytestmark = pytest.mark.django_db
PATH = "projects/web/releases/1.0.0/deploy/several"


@pytest.fixture
def places() -> list[Environment]:
    return [make_environment(name) for name in ("East", "West", "Production")]


@pytest.fixture
def release(places: list[Environment]) -> Release:
    lifecycle = make_lifecycle(PhaseInput("Tests", manual=places[:2]), places[2])
    project = make_project("Web", lifecycle=lifecycle, steps=[script_step("Hello")])
    prompt = {"label": "Region", "required": True}
    scope = {"Environment": [places[1].public_id]}
    make_variables(project, VariableInput("Region", "", prompt=prompt, scope=scope))
    return make_release(project, "1.0.0")


def deployed() -> list[str]:
    rows = Deployment.objects.in_space(default_space()).select_related("environment")
    return sorted(row.environment.name for row in rows)


def test_all_or_none(release: Release, places: list[Environment]) -> None:
    with pytest.raises(Invalid) as refused:
        create_deployments(
            actor=SYSTEM,
            release=release,
            places=[Place(each) for each in places],
            options=lambda _: DeploymentOptions(),
        )
    assert [text.partition(":")[0] for text in refused.value.errors] == ["West", "Production"]
    assert deployed() == []
    with pytest.raises(Invalid, match="at least one"):
        create_deployments(
            actor=SYSTEM, release=release, places=[], options=lambda _: DeploymentOptions()
        )
    ben = make_ben(default_space(), places[0].public_id).actor
    for wanted, error in ((places[1:2], NotPermitted), (places[:2], Invalid)):
        with pytest.raises(error, match="DeploymentCreate"):
            create_deployments(
                actor=ben,
                release=release,
                places=[Place(each) for each in wanted],
                options=lambda _: DeploymentOptions(),
            )


def test_the_page(release: Release, places: list[Environment]) -> None:
    ana, (east, west, production) = Visitor(make_ana()), places
    page = text_of(ana.get(PATH))
    assert "First the phase Tests must succeed." in page
    both = {"environment": [east.public_id, west.public_id]}
    shown = text_of(ana.post(PATH, {**both, "preview": "1"}))
    assert "2 marked" in shown
    assert "Region required" in shown
    refused = ana.post(PATH, both)
    assert (refused.status_code, deployed()) == (400, [])
    assert "West: The variable 'Region' needs a value." in text_of(refused)
    assert "at least one environment" in text_of(ana.post(PATH))
    prompt = release.variable_snapshot.variables[0]["id"]
    made = ana.post(PATH, {**both, f"prompt:{prompt}": "eu", "comments": "Both"})
    assert (made.status_code, deployed()) == (302, ["East", "West"])
    answers = Deployment.objects.in_space(default_space()).get(environment=east).options
    assert answers["form_values"] == {}
    ben = Visitor(make_ben(default_space(), east.public_id))
    assert production.name not in text_of(ben.get(PATH))


def test_the_button_names_what_was_shown_and_does_nothing_else(
    release: Release, places: list[Environment]
) -> None:
    ana, (east, west, _) = Visitor(make_ana()), places
    prompt = release.variable_snapshot.variables[0]["id"]
    both = {"environment": [east.public_id, west.public_id], f"prompt:{prompt}": "eu"}
    assert "Deploy 1.0.0 to the marked" in text_of(ana.get(PATH))
    page = ana.post(PATH, {**both, "preview": "1"})
    assert "Deploy 1.0.0 to East and West" in text_of(page)
    sent = {"environment": [east.public_id], "shown": hidden(page, "shown")}
    again = ana.post(PATH, sent)
    assert (again.status_code, deployed()) == (400, [])
    assert "no longer those that were shown" in text_of(again)
    assert "Deploy 1.0.0 to East Cancel" in text_of(again)
    assert ana.post(PATH, {**sent, "shown": hidden(again, "shown")}).status_code == 302
    assert deployed() == ["East"]


def test_rest_names_each_refusal(release: Release, places: list[Environment]) -> None:
    body = {
        "ProjectName": "Web",
        "ReleaseVersion": "1.0.0",
        "EnvironmentNames": ["East", "Production"],
    }
    path = f"{S}/deployments/create/untenanted/v1"
    status, answer = send(make_ana(), "post", path, body)
    assert (status, deployed()) == (400, [])
    assert "Production: Release '1.0.0' cannot be deployed to 'Production' yet" in str(answer)

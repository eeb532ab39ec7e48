"""Trying out where a version would go, and the rules of a channel."""

from typing import Any

import pytest

from agent.versions import Version
from deployments.infrastructure.models import Environment
from deployments.projects.models import Project
from deployments.projects.version_rules import rules_from_json
from deployments.releases.progression import Phase
from deployments.releases.simulating import refusals, simulate
from tests.factories import default_space, make_ana, make_ben, make_cleo, make_dan, make_space
from tests.factories.domain import (
    make_channel,
    make_deployment,
    make_environment,
    make_lifecycle,
    make_package,
    make_project,
    make_release,
    package_step,
    script_step,
)
from tests.support.cases import case_name, cases
from tests.support.portal import Visitor, text_of

BETA = {
    "VersionRange": "[1.0,2.0)",
    "Tag": "^beta",
    "ActionPackages": [{"DeploymentAction": "Deploy", "PackageReference": ""}],
}


@pytest.mark.parametrize("case", cases("lifecycles", "simulate"), ids=case_name)
def test_where_it_may_go(case: dict[str, Any]) -> None:
    phases = [
        Phase(name, name, tuple(numbers), is_optional="optional" in more)
        for name, numbers, *more in case["phases"]
    ]
    found = simulate(phases, case["succeeded"], has_defect=case.get("defect", False))
    places = {place.environment: place for phase in found for place in phase.places}
    assert [number for number, place in places.items() if place.may] == case["may"]
    for number, why in case["why"].items():
        assert places[int(number)].why == why


def test_a_rule_without_packages_refuses_nothing() -> None:
    rules = rules_from_json([{**BETA, "ActionPackages": []}, BETA])
    packages = [("Deploy", "")]
    assert refusals(Version.parse("1.4.2-beta"), rules, packages) == []
    found = refusals(Version.parse("1.4.2"), rules, packages)
    assert found == ["Rule 2: has no tag to match ^beta."]
    assert refusals(Version.parse("1.4.2"), rules, [("Another", "")]) == []


@pytest.fixture
def dev(db: None) -> Environment:
    return make_environment("Dev")


@pytest.fixture
def project(dev: Environment) -> Project:
    lifecycle = make_lifecycle(dev, make_environment("Prod"), name="Two steps")
    make_package("Acme.Web", "1.4.2-beta")
    make_package("Acme.Web", "2.0.0")
    project = make_project("Web", lifecycle=lifecycle, steps=[package_step("Acme.Web", "Deploy")])
    make_channel(project, "Beta", rules=[BETA])
    return project


def test_the_page(project: Project, dev: Environment) -> None:
    ana, page = Visitor(make_ana()), "projects/web/try-version"
    assert "Type a version" in text_of(ana.get(page))
    assert "soon is not a version number" in text_of(ana.get(page, {"version": "soon"}))
    text = text_of(ana.get(page, {"version": "1.4.2-beta"}))
    assert "Beta Takes it" in text
    assert "Prod May not go First the phase Dev must succeed." in text
    text = text_of(ana.get(page, {"version": "1.4.2-beta", "done": dev.public_id}))
    assert "Prod May go Nothing before it is missing" in text
    query = {"version": "1.4.2-beta", "done": dev.public_id, "blocked": "1"}
    assert "Its progression is blocked" in text_of(ana.get(page, query))
    text = text_of(ana.get(page, {"version": "2.0.0"}))
    assert "Beta Refuses it" in text
    assert "outside the range [1.0,2.0) and has no tag to match ^beta" in text


def test_a_lifecycle_alone(project: Project, dev: Environment) -> None:
    ana = Visitor(make_ana())
    page = f"projects/lifecycles/{project.lifecycle.public_id}/try"
    assert "Prod May not go First the phase Dev must succeed." in text_of(ana.get(page))
    assert "Prod May go" in text_of(ana.get(page, {"done": dev.public_id}))
    text = text_of(ana.get(page, {"done": dev.public_id, "blocked": "1"}))
    assert "Its progression is blocked and it has not succeeded in this phase." in text
    assert f"{page.rpartition('/')[0]}/try" in ana.get("projects/lifecycles").content.decode()
    assert Visitor(make_cleo(default_space())).get(page).status_code == 200
    assert Visitor(make_dan(make_space())).get(page).status_code == 404


def test_who_sees_the_page(project: Project, dev: Environment) -> None:
    people = [
        (make_ben(default_space(), dev.public_id), 200),
        (make_cleo(default_space()), 200),
        (make_dan(make_space()), 404),
    ]
    for person, status in people:
        visitor = Visitor(person)
        assert visitor.get("projects/web/try-version", {"version": "1.0"}).status_code == status
        assert visitor.get("projects/web/releases/compare").status_code == status


def test_rules_are_tried_before_they_are_saved(project: Project) -> None:
    ana = Visitor(make_ana())
    sent = {
        "name": "Next",
        "rules": "2",
        "rule-0-range": "[2.0,)",
        "rule-0-packages": "Deploy\t",
        "rule-1-range": "[oops",
        "try": "1.0.0",
        "do": "test",
        "fields": "Ticket: of the change\nNote",
    }
    text = text_of(ana.post("projects/web/channels/new", sent))
    assert "1.0.0 Refused outside the range [2.0,)" in text
    assert "2.0.0 Accepted" in text
    assert "1.4.2-beta Refused" in text
    assert "Rule 2" in text
    assert project.channels.count() == 2
    del sent["do"]
    assert ana.post("projects/web/channels/new", sent).status_code == 400
    assert ana.post("projects/web/channels/new", {**sent, "rules": "1"}).status_code == 302
    channel = project.channels.get(name="Next")
    assert channel.extra["CustomFieldDefinitions"] == [
        {"FieldName": "Ticket", "Description": "of the change"},
        {"FieldName": "Note", "Description": ""},
    ]
    page = ana.get(f"projects/web/channels/{channel.public_id}")
    assert "Ticket: of the change" in text_of(page)
    assert "Limited to this channel" in text_of(page)


def test_channels_that_stand_on_their_own(dev: Environment) -> None:
    project = make_project("Api", lifecycle=make_lifecycle(dev), steps=[script_step()])
    beta = make_channel(project, "Beta")
    make_deployment(make_release(project, "1.0.0"), dev, state="Success")
    make_deployment(make_release(project, "2.0.0-beta", channel=beta), dev, state="Success")
    third = make_release(project, "1.0.1")
    ana = Visitor(make_ana())
    path = f"projects/api/releases/{third.version}"
    assert "Now 2.0.0-beta" in text_of(ana.get(path))
    settings = {
        "name": "Api",
        "group": project.group.public_id,
        "lifecycle": project.lifecycle.public_id,
        "guided_failure": "EnvironmentDefault",
        "discrete_channels": "on",
    }
    assert ana.post("projects/api/settings", settings).status_code == 302
    assert "Now 1.0.0" in text_of(ana.get(path))
    # In the list both channels have something there.
    page = ana.get("projects/api/releases").content.decode()
    assert page.count('class="chip" href') == 2
    project.refresh_from_db()
    assert project.extra["AllowIgnoreChannelRules"] is False

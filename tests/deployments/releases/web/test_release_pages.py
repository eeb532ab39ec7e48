"""The overview of a project, its releases, cutting and changing them."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.infrastructure.models import Environment
from deployments.library.services import VariableInput
from deployments.projects.models import Project
from deployments.projects.services.triggers import set_trigger_disabled
from deployments.releases.models import Release
from tests.factories import SYSTEM, default_space, make_ana, make_ben, make_cleo
from tests.factories.automation import make_trigger
from tests.factories.children import child_step
from tests.factories.domain import (
    make_channel,
    make_deployment,
    make_environment,
    make_lifecycle,
    make_package,
    make_project,
    make_release,
    make_variables,
    package_step,
    script_step,
)
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class World:
    development: Environment
    staging: Environment
    project: Project


@pytest.fixture
def world() -> World:
    development, staging = make_environment("Development"), make_environment("Staging")
    lifecycle = make_lifecycle(development, staging)
    project = make_project("Web", lifecycle=lifecycle, steps=[script_step()])
    return World(development, staging, project)


def releases() -> list[str]:
    rows = Release.objects.in_space(default_space()).order_by("pk")
    return list(rows.values_list("version", flat=True))


def test_the_overview_teaches_then_shows_releases_by_environments(world: World) -> None:
    ana = Visitor(make_ana())
    empty = make_project("Empty")
    assert "No steps yet" in text_of(ana.get(f"projects/{empty.slug}"))
    assert "No releases yet" in text_of(ana.get("projects/web"))
    first, second = make_release(world.project, "1.0.0"), make_release(world.project, "1.1.0")
    make_deployment(first, world.development, state="Success")
    make_deployment(second, world.development, state="Failed")
    page = ana.get("projects/web").content.decode()
    assert "1.1.0 failed in Development" in page
    assert "Deploy 1.0.0 to Staging" in page
    assert 'data-key="c"' in page
    assert (
        Visitor(make_cleo(default_space())).get("projects/web").content.count(b'data-key="c"') == 0
    )


def test_the_overview_says_what_happens_next_by_itself(world: World) -> None:
    ana = Visitor(make_ana())
    assert "Next by itself" not in text_of(ana.get("projects/web"))
    action = {"ActionType": "DeployNewRelease", "EnvironmentId": world.development.public_id}
    for name, hour in (("Late", 3), ("Early", 2)):
        schedule = {
            "FilterType": "OnceDailySchedule",
            "StartTime": f"2026-01-01T{hour:02}:00:00Z",
            "DaysOfWeek": ["Monday"],
            "Timezone": "UTC",
        }
        make_trigger(world.project, schedule, action, name=name, clock=lambda: NEW_YEAR)
    page = text_of(ana.get("projects/web"))
    assert "Next by itself: " in page
    assert "(Create a release and deploy it to Development)" in page
    assert "Early 2026-01-05 02:00 UTC" in page
    assert page.index("Early") < page.index("Late")
    for trigger in world.project.triggers.all():
        trigger.project, trigger.space = world.project, world.project.space
        set_trigger_disabled(actor=SYSTEM, row=trigger, is_disabled=True)
    assert "Next by itself" not in text_of(ana.get("projects/web"))


def test_the_overview_filters_by_channel(world: World) -> None:
    beta = make_channel(world.project, "Beta")
    make_release(world.project, "1.0.0")
    make_release(world.project, "2.0.0-beta", channel=beta)
    ana = Visitor(make_ana())
    page = ana.get("projects/web", {"channel": beta.slug}).content.decode()
    assert "2.0.0-beta" in page
    assert "1.0.0" not in page


def test_releases_are_listed_and_found(world: World) -> None:
    release = make_release(world.project, "1.0.0", notes="What is new")
    make_release(world.project, "2.0.0")
    make_deployment(release, world.development, state="Success")
    ana = Visitor(make_ana())
    page = text_of(ana.get("projects/web/releases"))
    assert "2 releases" in page
    assert "What is new" in page
    assert "Development" in page
    assert "2.0.0" not in text_of(ana.get("projects/web/releases", {"q": "1.0"}))
    assert "No release fits" in text_of(ana.get("projects/web/releases", {"q": "9"}))


def test_the_number_of_queries_does_not_grow(world: World) -> None:
    ana = Visitor(make_ana())
    for path in ("projects/web", "projects/web/releases"):
        make_deployment(make_release(world.project), world.development, state="Success")
        ana.get(path)
        with CaptureQueriesContext(connection) as few:
            ana.get(path)
        for _ in range(6):
            make_deployment(make_release(world.project), world.development, state="Success")
        with CaptureQueriesContext(connection) as many:
            ana.get(path)
        assert len(many) == len(few) <= 30, path


def test_the_page_of_a_release_costs_the_same_with_many_steps_and_deployments(
    world: World,
) -> None:
    ana = Visitor(make_ana())

    def queries(number: int) -> int:
        children = [make_project(lifecycle=world.project.lifecycle) for _ in range(number)]
        steps = [child_step(child, f"Deploy {child.name}") for child in children]
        for child in children:
            make_release(child, "1.0.0")
        parent = make_project(lifecycle=world.project.lifecycle, steps=steps)
        release = make_release(parent, "1.0.0")
        for _ in range(number):
            make_deployment(release, world.development, state="Success")
        path = f"projects/{parent.slug}/releases/1.0.0"
        assert "Missing" not in text_of(ana.get(path))
        with CaptureQueriesContext(connection) as found:
            ana.get(path)
        return len(found)

    assert queries(1) == queries(4) <= 36


def test_a_release_is_cut_with_the_proposed_number_and_packages() -> None:
    project = make_project("Shop", steps=[package_step("Acme.Web")])
    ana = Visitor(make_ana())
    assert "No version was pushed yet" in text_of(ana.get("projects/shop/releases/create"))
    make_package("Acme.Web", "1.0.0")
    make_package("Acme.Web", "1.1.0-beta")
    page = ana.get("projects/shop/releases/create").content.decode()
    assert 'value="0.0.1"' in page
    assert "1.0.0 (newest that fits)" in page
    assert "1.1.0-beta (pre-release, never chosen by itself)" in page
    sent = {"version": "0.0.1", "package:0": "1.1.0-beta", "notes": "Some **notes**"}
    answer = ana.post("projects/shop/releases/create", sent)
    assert answer["Location"] == "/app/Spaces-1/projects/shop/releases/0.0.1"
    release = Release.objects.in_space(default_space()).get()
    assert release.selected_packages.get().version == "1.1.0-beta"
    assert "<strong>notes</strong>" in ana.get("projects/shop/releases/0.0.1").content.decode()
    again = ana.post("projects/shop/releases/create", sent)
    assert again.status_code == 400
    assert "already exists" in text_of(again)
    assert "Some **notes**" in again.content.decode()
    assert project.pk == release.project_id


def test_a_channel_says_why_it_refuses_a_version() -> None:
    project = make_project("Shop", steps=[package_step("Acme.Web", "Deploy")])
    rule = {
        "VersionRange": "[1.0,2.0)",
        "ActionPackages": [{"DeploymentAction": "Deploy", "PackageReference": ""}],
    }
    make_channel(project, "One", rules=[rule])
    make_package("Acme.Web", "1.5.0")
    make_package("Acme.Web", "2.1.0")
    ana = Visitor(make_ana())
    page = ana.get("projects/shop/releases/create", {"channel": "one"}).content.decode()
    assert "2.1.0 (outside the range" in page
    assert "1.5.0 (newest that fits)" in page
    refused = ana.post(
        "projects/shop/releases/create", {"channel": "one", "package:0": "2.1.0", "version": "1"}
    )
    assert "does not satisfy" in text_of(refused)


def test_notes_are_previewed_safely(world: World) -> None:
    ana = Visitor(make_ana())
    answer = ana.post("projects/web/releases/notes", {"notes": "**a** <script>"})
    assert answer.content.decode().strip() == "<p><strong>a</strong> &lt;script&gt;</p>"


def test_a_release_leads_to_the_next_environment(world: World) -> None:
    release = make_release(world.project, "1.0.0")
    ana = Visitor(make_ana())
    page = text_of(ana.get("projects/web/releases/1.0.0"))
    assert "Deploy 1.0.0 to Development" in page
    assert "First the phase Development must succeed." in page
    make_deployment(release, world.development, state="Success")
    assert "Deploy 1.0.0 to Staging" in text_of(ana.get("projects/web/releases/1.0.0"))
    make_deployment(release, world.staging)
    page = text_of(ana.get("projects/web/releases/1.0.0"))
    assert "Deploy 1.0.0 to Staging" not in page
    ben = Visitor(make_ben(default_space(), world.development.public_id))
    assert "Deploy 1.0.0 to" not in text_of(ben.get("projects/web/releases/1.0.0"))
    assert ana.get("projects/web/releases/9.9.9").status_code == 404


def test_changed_variables_are_shown_and_taken_but_no_secret(world: World) -> None:
    make_variables(
        world.project,
        VariableInput(name="Host", value="old.example"),
        VariableInput(name="Same", value="same"),
        VariableInput(name="Password", value="hunter two", is_sensitive=True),
    )
    make_release(world.project, "1.0.0")
    ana = Visitor(make_ana())
    assert "Variables changed" not in text_of(ana.get("projects/web/releases/1.0.0"))
    make_variables(
        world.project,
        VariableInput(name="Host", value="new.example"),
        VariableInput(name="Same", value="same"),
        VariableInput(name="Password", value="hunter three", is_sensitive=True),
        VariableInput(name="Extra", value="1", scope={"Environment": [world.staging.public_id]}),
    )
    page = ana.get("projects/web/releases/1.0.0").content.decode()
    for text in ("old.example", "new.example", "Password", "Extra", "Staging"):
        assert text in page
    assert "hunter" not in page
    assert ">Same<" not in page
    answer = ana.post("projects/web/releases/1.0.0/variables")
    assert answer.status_code == 302
    assert "Variables changed" not in text_of(ana.get("projects/web/releases/1.0.0"))


def test_the_first_of_many_changed_variables_are_shown(world: World) -> None:
    make_variables(world.project, *(VariableInput(f"V{n:03}", "old") for n in range(203)))
    make_release(world.project, "1.0.0")
    make_variables(world.project, *(VariableInput(f"V{n:03}", "new") for n in range(203)))
    page = Visitor(make_ana()).get("projects/web/releases/1.0.0")
    text = text_of(page)
    assert "Variables changed since the snapshot 203" in text
    assert "203 changed" in text
    assert "These are the first 200. See all" in text
    assert "V199" in text
    assert "V200" not in text


def test_a_release_is_edited_and_deleted_by_its_number(world: World) -> None:
    make_release(world.project, "1.0.0")
    ana = Visitor(make_ana())
    bad = ana.post("projects/web/releases/1.0.0/edit", {"version": "x y", "notes": "kept"})
    assert bad.status_code == 400
    assert "kept" in bad.content.decode()
    ana.post("projects/web/releases/1.0.0/edit", {"version": "1.0.1", "notes": "new"})
    assert releases() == ["1.0.1"]
    ana.post("projects/web/releases/1.0.1/delete", {"confirm": "1.0.0"})
    assert releases() == ["1.0.1"]
    ana.post("projects/web/releases/1.0.1/delete", {"confirm": "1.0.1"})
    assert releases() == []
    make_release(world.project, "3.0.0")
    cleo = Visitor(make_cleo(default_space()))
    assert cleo.post("projects/web/releases/3.0.0/delete", {"confirm": "3.0.0"}).status_code == 403
    assert releases() == ["3.0.0"]

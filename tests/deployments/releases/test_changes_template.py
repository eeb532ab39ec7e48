"""The text of deployment changes by a project's template, and what scripts read of builds."""

from dataclasses import dataclass

import pytest

from deployments.execution.services.system_variables import system_variables
from deployments.infrastructure.models import Environment
from deployments.library.services import VariableInput
from deployments.projects.models import Project
from deployments.projects.services.projects import update_settings
from deployments.releases.models import Release
from packages_feed.services import push_build_information
from tests.deployments.calls import S, send
from tests.factories import SYSTEM, default_space, make_ana
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
)
from tests.factories.people import make_holder
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db
TEMPLATE = (
    "To #{Octopus.Environment.Name} by #{Team} (#{Key}):"
    "#{each change in Octopus.Deployment.Changes} #{change.Version}=#{change.ReleaseNotes}#{/each}"
    "#{each target in Octopus.Deployment.Targets} on #{target.Name}#{/each}"
)


@dataclass
class World:
    dev: Environment
    project: Project
    releases: list[Release]


@pytest.fixture
def world() -> World:
    dev = make_environment("Dev")
    make_machine(dev, name="web-01", roles=["web"])
    project = make_project(
        "Web", lifecycle=make_lifecycle(dev), steps=[package_step("Acme.Web", roles="web")]
    )
    make_variables(
        project,
        VariableInput("Team", "Blue"),
        VariableInput("Loop", "#{Loop}"),
        VariableInput("Key", "hush hush", is_sensitive=True),
    )
    releases = []
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        make_package("Acme.Web", version)
        push_build_information(
            actor=SYSTEM,
            space=default_space(),
            package_id="Acme.Web",
            version=version,
            document={
                "BuildNumber": f"b{version}",
                "VcsRoot": "https://code.example.com/acme/web",
                "Commits": [{"Id": f"c{version}", "Comment": "Fix #12"}],
            },
        )
        releases.append(make_release(project, version, notes=f"N{version[2]}"))
    return World(dev, project, releases)


def set_template(world: World, text: str) -> None:
    update_settings(actor=SYSTEM, row=world.project, settings={"DeploymentChangesTemplate": text})
    for release in world.releases:
        release.refresh_from_db()


def test_the_template_is_written_before_and_stays_as_it_was(world: World) -> None:
    set_template(world, TEMPLATE)
    make_deployment(world.releases[0], world.dev, state="Success")
    says = "To Dev by Blue (********): 1.1.0=N1 1.2.0=N2 on web-01"
    ana = make_ana()
    newest = world.releases[2]
    path = f"{S}/releases/{newest.public_id}/deployments/preview/{world.dev.public_id}"
    assert send(ana, "get", path)[1]["ChangesMarkdown"] == says
    assert says in text_of(Visitor(ana).get("projects/web/releases/1.2.0/deploy"))
    deployment = make_deployment(newest, world.dev, state="Success")
    set_template(world, "Another")
    assert send(ana, "get", f"{S}/deployments/{deployment.public_id}")[1]["ChangesMarkdown"] == says
    assert says in text_of(Visitor(ana).get(f"tasks/ServerTasks-{deployment.task_id}"))
    values = system_variables(deployment, deployment.task)
    assert values["Octopus.Deployment.ChangesMarkdown"] == says


def test_who_may_not_see_the_release_does_not_read_its_text(world: World) -> None:
    set_template(world, TEMPLATE)
    deployment = make_deployment(world.releases[0], world.dev)
    views = ("TaskView", "DeploymentView", "ProjectView", "EnvironmentView")
    watcher = make_holder(default_space(), *views)
    wire = send(watcher, "get", f"{S}/deployments/{deployment.public_id}")[1]
    assert (wire["Changes"], wire["ChangesMarkdown"]) == ([], "")
    page = Visitor(watcher).get(f"tasks/ServerTasks-{deployment.task_id}")
    assert page.status_code == 200
    assert "by Blue" not in page.content.decode()


@pytest.mark.parametrize("template", ["#{each x in Octopus", "#{Loop}"])
def test_a_template_with_a_mistake_keeps_nobody_from_deploying(world: World, template: str) -> None:
    set_template(world, template)
    deployment = make_deployment(world.releases[0], world.dev)
    text = deployment.options["changes_markdown"]
    assert text.startswith("*The template of deployment changes cannot be used: ")
    assert text.endswith(
        "### 1.0.0\n\nN0\n\n- [#12](https://code.example.com/acme/web/issues/12) Fix #12"
    )


def test_the_task_page_tells_what_came(world: World) -> None:
    make_deployment(world.releases[0], world.dev, state="Success")
    deployment = make_deployment(world.releases[2], world.dev, state="Success")
    ana = Visitor(make_ana())
    page = text_of(ana.get(f"tasks/ServerTasks-{deployment.task_id}"))
    assert "Changes since 1.0.0" in page
    assert page.index("1.2.0 N2") < page.index("1.1.0 N1")
    back = make_deployment(world.releases[1], world.dev)
    page = text_of(ana.get(f"tasks/ServerTasks-{back.task_id}"))
    assert "Goes back from 1.2.0 to 1.1.0 Takes back 1.2.0" in page


def test_scripts_read_the_builds_of_all_releases_each_once(world: World) -> None:
    again = make_release(world.project, "1.3.0", package_version="1.2.0")
    make_deployment(world.releases[0], world.dev, state="Success")
    deployment = make_deployment(again, world.dev)
    values = system_variables(deployment, deployment.task)
    prefix = "Octopus.Deployment.PackageBuildInformation"
    builds = {name: text for name, text in values.items() if name.startswith(prefix)}
    assert {name: text for name, text in builds.items() if name.endswith("].BuildNumber")} == {
        f"{prefix}[0].BuildNumber": "b1.1.0",
        f"{prefix}[1].BuildNumber": "b1.2.0",
    }
    assert builds[f"{prefix}[0].PackageId"] == "Acme.Web"
    assert builds[f"{prefix}[1].Commits[0].CommitId"] == "c1.2.0"
    assert builds[f"{prefix}[1].WorkItems[0].Id"] == "#12"
    changes = "Octopus.Deployment.Changes"
    assert values[f"{changes}[2].Version"] == "1.3.0"
    assert values[f"{changes}[2].BuildInformation[0].BuildNumber"] == "b1.2.0"
    assert [name for name in values if name.startswith("Octopus.Deployment.WorkItems[")] == [
        "Octopus.Deployment.WorkItems[0].Id",
        "Octopus.Deployment.WorkItems[0].LinkUrl",
        "Octopus.Deployment.WorkItems[0].Description",
    ]


def test_the_settings_keep_the_template(world: World) -> None:
    ana = Visitor(make_ana())
    page = ana.get("projects/web/settings").content.decode()
    assert "Template of deployment changes" in page
    fields = {
        "name": "Web",
        "group": world.project.group.public_id,
        "lifecycle": world.project.lifecycle.public_id,
        "template": "1.0.i",
        "guided_failure": "EnvironmentDefault",
        "changes": "Since then",
    }
    assert ana.post("projects/web/settings", fields).status_code == 302
    world.project.refresh_from_db()
    assert world.project.settings["DeploymentChangesTemplate"] == "Since then"

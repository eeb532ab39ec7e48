"""Rules of numbers, deleting and phases that need a database."""

from typing import Any

import pytest

from deployments.base.errors import Invalid
from deployments.base.models import Event
from deployments.infrastructure.models import Environment
from deployments.infrastructure.services.environments import sort_environments
from deployments.library.services import VariableInput
from deployments.projects.models import Project
from deployments.projects.queries import phases_of, process_of
from deployments.projects.services.lifecycles import PhaseInput
from deployments.projects.services.projects import update_settings
from deployments.releases.availability import missing_of
from deployments.releases.models import Deployment, Release
from deployments.releases.services import delete_release, update_release
from deployments.server_tasks.models import ServerTask
from tests.factories import SYSTEM, default_space, make_ana
from tests.factories.automation import make_trigger
from tests.factories.domain import (
    finish,
    make_channel,
    make_deployment,
    make_environment,
    make_lifecycle,
    make_package,
    make_process,
    make_project,
    make_release,
    make_variables,
    package_step,
    script_step,
)
from tests.support.cases import case_name, cases
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(dev: Environment) -> Project:
    return make_project("Web", lifecycle=make_lifecycle(dev), steps=[script_step()])


@pytest.mark.parametrize("case", cases("lifecycles", "phases"), ids=case_name)
def test_phases(case: dict[str, Any]) -> None:
    by_name = {name: make_environment(name) for name in case["environments"]}
    phases = [
        PhaseInput(name, manual=[by_name[each] for each in names]) for name, names in case["phases"]
    ]
    names = {row.pk: name for name, row in by_name.items()}
    found = [
        [view.name, [names[number] for number in view.environments]]
        for view in phases_of(make_lifecycle(*phases))
    ]
    assert found == case["found"]


def test_implicit_phases_follow_the_order_of_environments(dev: Environment) -> None:
    lifecycle = make_lifecycle()
    prod = make_environment("Prod")
    assert [view.name for view in phases_of(lifecycle)] == ["Dev", "Prod"]
    sort_environments(actor=SYSTEM, space=default_space(), ids=[prod.public_id, dev.public_id])
    assert [view.name for view in phases_of(lifecycle)] == ["Prod", "Dev"]


def test_numbers_are_trimmed_unique_and_short(project: Project) -> None:
    assert make_release(project, " 1.0.0-RC ").version == "1.0.0-RC"
    with pytest.raises(Invalid, match="already exists"):
        make_release(project, "1.0.0-rc")
    with pytest.raises(Invalid, match="at most 349 characters"):
        make_release(project, "1.0.0-" + "x" * 344)
    assert make_release(project, "1.0.0-" + "x" * 343).version.endswith("x")


def test_four_numbers_sort_as_numbers(project: Project) -> None:
    for version in ("1.0.0.9", "1.0.0.10", "1.0.0.10-beta"):
        make_release(project, version)
    rows = Release.objects.in_space(project.space).order_by("-version_key")
    assert [row.version for row in rows] == ["1.0.0.10", "1.0.0.10-beta", "1.0.0.9"]


def test_a_number_that_was_deployed_is_not_given_again(project: Project, dev: Environment) -> None:
    typed_wrong = make_release(project, "100.0.0")
    update_release(actor=SYSTEM, release=typed_wrong, version="1.0.0")
    assert make_release(project).version == "1.0.1"
    deployed = make_release(project, "2.0.0")
    make_deployment(deployed, dev, state="Success")
    update_release(actor=SYSTEM, release=deployed, version="1.5.0")
    assert make_release(project).version == "2.0.1"


def test_a_donor_that_the_channel_does_not_have(project: Project) -> None:
    make_package("Acme.Web", "3.1.4")
    beta = make_channel(project, "Beta")
    default = project.channels.get(is_default=True)
    make_process(
        project, package_step("Acme.Web", "Deploy", Channels=[default.public_id]), script_step()
    )
    donor = {"DeploymentAction": "Deploy", "PackageReference": ""}
    update_settings(
        actor=SYSTEM, row=project, settings={"VersioningStrategy": {"DonorPackage": donor}}
    )
    assert make_release(project).version == "3.1.4"
    with pytest.raises(Invalid, match="this channel does not have"):
        make_release(project, channel=beta)
    assert make_release(project, "1.0.0", channel=beta).version == "1.0.0"
    page = text_of(Visitor(make_ana()).get("projects/web/settings"))
    assert "Deploy: Acme.Web (only in some channels" in page


def test_rules_and_donor_follow_a_step_that_is_renamed(project: Project) -> None:
    """Two steps of the same package that swap their names keep their own rules."""
    for version in ("1.0.0", "2.0.0"):
        make_package("Acme.Web", version)
    make_process(project, package_step("Acme.Web", "Old"), package_step("Acme.Web", "New"))
    channel = project.channels.get()
    for name, wanted in (("OLD", "[1.0.0]"), ("New", "[2.0.0]")):
        package = {"DeploymentAction": name, "PackageReference": ""}
        channel.rules.append({"VersionRange": wanted, "Tag": "", "ActionPackages": [package]})
    channel.save()
    donor = {"DeploymentAction": "Old", "PackageReference": ""}
    update_settings(
        actor=SYSTEM, row=project, settings={"VersioningStrategy": {"DonorPackage": donor}}
    )
    trigger = make_trigger(
        project,
        {"FilterType": "ArcFeedFilter", "Packages": [donor]},
        {"ActionType": "CreateRelease", "ChannelId": channel.public_id},
    )
    steps = [dict(step) for step in process_of(project).steps]
    for step, name in zip(steps, ("New", "Old"), strict=True):
        step["Name"] = step["Actions"][0]["Name"] = name
    make_process(project, *steps)
    project.refresh_from_db()
    release = make_release(project)
    chosen = {row.action_name: row.version for row in release.selected_packages.all()}
    assert chosen == {"New": "1.0.0", "Old": "2.0.0"}
    assert release.version == "1.0.0"
    trigger.refresh_from_db()
    assert [each["DeploymentAction"] for each in trigger.filter["Packages"]] == ["New"]


def test_a_template_reads_variables_of_the_channel(project: Project) -> None:
    beta = make_channel(project, "Beta")
    make_variables(
        project,
        VariableInput("Major", "1"),
        VariableInput("Major", "2", scope={"Channel": [beta.public_id]}),
    )
    update_settings(
        actor=SYSTEM, row=project, settings={"VersioningStrategy": {"Template": "#{Major}.0.i"}}
    )
    assert make_release(project).version == "1.0.0"
    assert make_release(project, channel=beta).version == "2.0.0"


def test_notes_read_no_place(project: Project, dev: Environment) -> None:
    make_variables(
        project,
        VariableInput("Where", "anywhere"),
        VariableInput("Where", "dev", scope={"Environment": [dev.public_id]}),
        VariableInput("Only", "dev", scope={"Environment": [dev.public_id]}),
    )
    template = "Goes #{Where}#{if Only} and there#{/if}"
    update_settings(actor=SYSTEM, row=project, settings={"ReleaseNotesTemplate": template})
    release = make_release(project)
    assert release.notes == "Goes anywhere"
    update_settings(actor=SYSTEM, row=project, settings={"ReleaseNotesTemplate": "Other"})
    release.refresh_from_db(from_queryset=Release.objects.in_space(project.space))
    assert release.notes == "Goes anywhere"


def test_a_package_that_is_known_later_needs_a_version_and_is_not_checked(project: Project) -> None:
    make_process(project, package_step("Acme.#{Part}"))
    with pytest.raises(Invalid) as refused:
        make_release(project)
    assert "Acme.#{Part}" in " ".join(refused.value.errors)
    release = make_release(project, package_version="7.7.7")
    assert [row.version for row in release.selected_packages.all()] == ["7.7.7"]
    assert missing_of(release) == []


def test_deleting_takes_deployments_and_tasks_but_no_events(
    project: Project, dev: Environment
) -> None:
    release = make_release(project, "1.0.0")
    deployment, name = make_deployment(release, dev), release.public_id
    with pytest.raises(Invalid, match="while it is being deployed"):
        delete_release(actor=SYSTEM, release=release)
    finish(deployment)
    delete_release(actor=SYSTEM, release=release)
    assert not Deployment.objects.in_space(project.space).exists()
    assert not ServerTask.objects.in_space(project.space).filter(kind="Deploy").exists()
    events = Event.objects.filter(related__document_id=name)
    assert {"Created", "DeploymentQueued", "Deleted"} <= set(
        events.values_list("category", flat=True)
    )

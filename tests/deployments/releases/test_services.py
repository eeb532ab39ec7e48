"""Cutting and deploying releases: snapshots, numbers, prompts, targets, options."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest

from deployments.base.errors import Invalid, NotPermitted
from deployments.base.models import Event
from deployments.infrastructure.models import Environment
from deployments.library.services import VariableInput
from deployments.library.values import open_candidate
from deployments.projects.models import Project
from deployments.projects.services.projects import update_settings
from deployments.releases.models import ProcessSnapshot, Release
from deployments.releases.queries import progressions_of, succeeded_environments
from deployments.releases.selection import PackageSpec
from deployments.releases.services import (
    DeploymentOptions,
    create_deployment,
    create_release,
    delete_release,
    update_release,
    update_variables_of_release,
)
from deployments.releases.services.packages import SelectedPackage, select_packages
from deployments.releases.services.planning import plan_of
from deployments.releases.variables import (
    snapshot_candidates,
)
from deployments.server_tasks.models import ServerTask
from tests.factories import SYSTEM, default_space, make_ben
from tests.factories.domain import (
    finish,
    make_channel,
    make_deployment,
    make_environment,
    make_lifecycle,
    make_machine,
    make_package,
    make_process,
    make_project,
    make_release,
    make_variables,
    package_step,
    script_step,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(dev: Environment) -> Project:
    return make_project("Web", lifecycle=make_lifecycle(dev), steps=[script_step("Hello")])


def test_a_snapshot_does_not_change(project: Project, dev: Environment) -> None:
    make_variables(project, VariableInput("Db", "old"), VariableInput("Key", "k", kind="Sensitive"))
    release = make_release(project)
    make_process(project, script_step("Other"))
    make_variables(project, VariableInput("Db", "new"))
    stored = Release.objects.in_space(project.space).get(pk=release.pk)
    assert [step["Name"] for step in stored.process_snapshot.steps] == ["Hello"]
    values = {c.name: str(open_candidate(c)) for c in snapshot_candidates(stored.variable_snapshot)}
    assert values == {"Db": "old", "Key": "********"}
    update_variables_of_release(actor=SYSTEM, release=stored)
    assert [c.value for c in snapshot_candidates(stored.variable_snapshot)] == ["new"]
    assert [step["Name"] for step in stored.process_snapshot.steps] == ["Hello"]


def test_releases_of_the_same_process_share_its_snapshot(project: Project) -> None:
    first, second = make_release(project), make_release(project)
    assert first.process_snapshot_id == second.process_snapshot_id
    assert ProcessSnapshot.objects.in_space(project.space).count() == 1


def test_a_number_never_comes_again(project: Project) -> None:
    assert [make_release(project).version for _ in range(3)] == ["0.0.1", "0.0.2", "0.0.3"]
    for release in Release.objects.in_space(project.space):
        delete_release(actor=SYSTEM, release=release)
    assert make_release(project).version == "0.0.4"
    assert make_release(project, "1.i.0").version == "1.0.0"
    assert make_release(project, "1.i.0").version == "1.1.0"
    with pytest.raises(Invalid, match="already exists"):
        make_release(project, "1.1.0")


def test_the_donor_package_gives_the_number(dev: Environment) -> None:
    make_package("Acme.Web", "3.1.4")
    project = make_project(
        "Web", lifecycle=make_lifecycle(dev), steps=[package_step("Acme.Web", "Deploy")]
    )
    donor = {"DeploymentAction": "Deploy", "PackageReference": ""}
    update_settings(
        actor=SYSTEM,
        row=project,
        settings={"VersioningStrategy": {"Template": "i.0.0", "DonorPackage": donor}},
    )
    assert make_release(project).version == "3.1.4"


def test_packages_of_other_channels_are_not_asked_for(dev: Environment) -> None:
    make_package("Acme.Web", "1.0.0")
    project = make_project("Web", lifecycle=make_lifecycle(dev))
    beta = make_channel(project, "Beta")
    make_process(
        project,
        package_step("Acme.Web", "Deploy", Channels=[beta.public_id]),
        package_step("Acme.Missing", "Never", IsDisabled=True),
    )
    assert not make_release(project).selected_packages.exists()
    assert make_release(project, channel=beta).selected_packages.get().version == "1.0.0"


def test_a_disabled_project_has_no_new_releases_or_deployments(
    project: Project, dev: Environment
) -> None:
    release = make_release(project)
    project.is_disabled = True
    project.save()
    release.refresh_from_db(from_queryset=Release.objects.in_space(project.space))
    with pytest.raises(Invalid, match="disabled"):
        make_release(project)
    with pytest.raises(Invalid, match="disabled"):
        make_deployment(release, dev)


def test_packages_change_until_the_first_deployment(dev: Environment) -> None:
    make_machine(dev)
    make_package("Acme.Web", "1.0.0")
    make_package("Acme.Web", "2.0.0")
    project = make_project(
        "Web", lifecycle=make_lifecycle(dev), steps=[package_step("Acme.Web", "Deploy")]
    )
    release = make_release(project)
    older = [PackageSpec("Deploy", "", "1.0.0", is_exact=True)]
    update_release(actor=SYSTEM, release=release, selected_packages=older)
    assert release.selected_packages.get().version == "1.0.0"
    make_deployment(release, dev)
    newer = [PackageSpec("Deploy", "", "2.0.0", is_exact=True)]
    with pytest.raises(Invalid, match="has been deployed"):
        update_release(actor=SYSTEM, release=release, selected_packages=newer)
    update_release(actor=SYSTEM, release=release, notes="still", selected_packages=older)
    assert release.notes == "still"


def test_a_deployment_needs_a_target(project: Project, dev: Environment) -> None:
    make_process(project, script_step("Hello"), script_step("On web", roles="web,db"))
    release = make_release(project)
    with pytest.raises(Invalid, match="no deployment targets with the target tags db, web"):
        make_deployment(release, dev)
    machine = make_machine(dev, roles=["DB"], is_disabled=True)
    with pytest.raises(Invalid, match="no deployment targets"):
        make_deployment(release, dev)
    machine.is_disabled = False
    machine.save()
    make_deployment(release, dev)
    with pytest.raises(Invalid, match="no deployment targets"):
        make_deployment(release, dev, excluded_machines=(machine.public_id,))
    [_, on_web] = release.process_snapshot.steps
    skipped = (on_web["Actions"][0]["Id"],)
    make_deployment(release, dev, excluded_machines=(machine.public_id,), skip_actions=skipped)
    policy = {"ConnectivityPolicy": {"AllowDeploymentsToNoTargets": True}}
    update_settings(actor=SYSTEM, row=project, settings=policy)
    release.refresh_from_db(from_queryset=Release.objects.in_space(project.space))
    make_deployment(release, dev, excluded_machines=(machine.public_id,))


def test_roles_may_be_templates(project: Project, dev: Environment) -> None:
    make_process(project, script_step("On targets", roles="#{Role}"))
    make_variables(project, VariableInput("Role", "web", scope={"Environment": [dev.public_id]}))
    machine = make_machine(dev, roles=["web"])
    [planned] = plan_of(make_release(project), dev)
    assert [target.id for target in planned.targets] == [machine.public_id]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"skip_actions": ("nope",)}, "is not part of this deployment"),
        ({"specific_machines": ("Machines-9",)}, "no deployment target Machines-9"),
        (
            {"specific_machines": ("Machines-1",), "excluded_machines": ("Machines-2",)},
            "not both",
        ),
        ({"not_before": datetime(2100, 1, 1, tzinfo=UTC)}, "at most 30 days"),
        ({"expires": datetime(2000, 1, 1, tzinfo=UTC)}, "already passed"),
    ],
)
def test_options_that_are_refused(
    project: Project, dev: Environment, options: dict[str, Any], text: str
) -> None:
    release = make_release(project)
    with pytest.raises(Invalid, match=text):
        make_deployment(release, dev, **options)
    assert not ServerTask.objects.in_space(project.space).exists()


def test_a_required_step_cannot_be_skipped(project: Project, dev: Environment) -> None:
    make_process(project, script_step("Hello", IsRequired=True))
    release = make_release(project)
    action = release.process_snapshot.steps[0]["Actions"][0]["Id"]
    with pytest.raises(Invalid, match="is required and cannot be skipped"):
        make_deployment(release, dev, skip_actions=(action,))


def test_guided_failure_follows_deployment_project_environment(project: Project) -> None:
    careful = make_environment("Careful", use_guided_failure=True)
    project.lifecycle = make_lifecycle(careful)
    project.save()
    release = make_release(project)
    assert make_deployment(release, careful).options["use_guided_failure"] is True
    chosen = make_deployment(release, careful, use_guided_failure=False)
    assert chosen.options["use_guided_failure"] is False
    update_settings(actor=SYSTEM, row=project, settings={"DefaultGuidedFailureMode": "Off"})
    release.refresh_from_db(from_queryset=Release.objects.in_space(project.space))
    assert make_deployment(release, careful).options["use_guided_failure"] is False


def test_a_later_start_and_its_end(project: Project, dev: Environment) -> None:
    start = datetime.now(UTC) + timedelta(hours=1)
    end = start + timedelta(hours=1)
    deployment = make_deployment(make_release(project), dev, not_before=start, expires=end)
    assert (deployment.task.not_before, deployment.task.expires) == (start, end)


def test_the_lifecycle_is_read_live_and_success_is_sticky(dev: Environment) -> None:
    prod, other = make_environment("Prod"), make_environment("Other")
    project = make_project("Web", lifecycle=make_lifecycle(dev, prod), steps=[script_step()])
    release = make_release(project)
    with pytest.raises(Invalid, match="not part of the lifecycle"):
        make_deployment(release, other)
    make_deployment(release, dev, state="Failed")
    with pytest.raises(Invalid, match="must first be deployed successfully"):
        make_deployment(release, prod)
    make_deployment(release, dev, state="Success")
    make_deployment(release, dev, state="Failed")
    finish(make_deployment(release, prod))
    assert succeeded_environments([release])[release.pk] == {dev.pk, prod.pk}
    rows = Release.objects.in_space(project.space).select_related(
        "channel__lifecycle", "channel__project__lifecycle"
    )
    assert progressions_of(list(rows))[release.pk].next_environments == ()


def test_a_channel_may_have_its_own_lifecycle(project: Project, dev: Environment) -> None:
    hot = make_environment("Hot")
    channel = make_channel(project, "Hotfix", lifecycle=make_lifecycle(hot))
    make_deployment(make_release(project, channel=channel), hot)
    with pytest.raises(Invalid, match="not part of the lifecycle"):
        make_deployment(make_release(project), hot)


def test_ben_deploys_to_staging_only() -> None:
    staging, production = make_environment("Staging"), make_environment("Production")
    project = make_project(
        "Web", lifecycle=make_lifecycle(staging, production), steps=[script_step()]
    )
    release = make_release(project)
    ben = make_ben(default_space(), staging.public_id)
    finish(create_deployment(actor=ben.actor, release=release, environment=staging))
    with pytest.raises(NotPermitted, match="DeploymentCreate"):
        create_deployment(
            actor=ben.actor,
            release=release,
            environment=production,
            options=DeploymentOptions(),
        )
    with pytest.raises(NotPermitted, match="ReleaseDelete"):
        delete_release(actor=ben.actor, release=release)


def test_events_name_what_they_are_about(project: Project, dev: Environment) -> None:
    deployment = make_deployment(make_release(project), dev)
    event = Event.objects.get(subject_id=deployment.public_id)
    related = set(event.related.values_list("document_id", flat=True))
    assert event.category == "DeploymentQueued"
    assert {
        project.public_id,
        dev.public_id,
        deployment.release.public_id,
        deployment.task.public_id,
    } <= related


def test_ignore_if_exists_returns_what_there_is(project: Project) -> None:
    first = make_release(project, "1.0.0")
    again = create_release(
        actor=SYSTEM, project=project, version="1.0.0", ignore_if_exists=True, notes="x"
    )
    assert (again.pk, again.notes) == (first.pk, "")


def test_a_snapshot_is_of_what_is_stored_not_of_what_was_read_before(project: Project) -> None:
    make_release(project)
    read_earlier = Project.objects.in_space(project.space).get(pk=project.pk)
    assert read_earlier.variable_set is not None
    make_variables(project, VariableInput("Db", "new"))
    release = make_release(read_earlier)
    assert [c.value for c in snapshot_candidates(release.variable_snapshot)] == ["new"]


def test_a_release_never_names_a_package_that_retention_takes_at_that_moment() -> None:
    project = make_project(steps=[package_step("Acme")])
    make_package("Acme", "1.0")
    gone, chosen = iter(("2.0", "1.0", "2.0", "2.0", "2.0", "2.0", "2.0")), []

    def select(*args: Any) -> list[SelectedPackage]:
        """Choose what was there a moment ago."""
        [selected] = select_packages(*args)
        chosen.append(next(gone))
        return [replace(selected, version=chosen[-1])]

    with patch("deployments.releases.services.releases.select_packages", select):
        release = create_release(actor=SYSTEM, project=project, version="1")
        assert chosen == ["2.0", "1.0"]
        assert [each.version for each in release.selected_packages.all()] == ["1.0"]
        with pytest.raises(Invalid, match="deleted at this moment"):
            create_release(actor=SYSTEM, project=project, version="2")
    assert not Release.objects.in_space(project.space).filter(version="2").exists()

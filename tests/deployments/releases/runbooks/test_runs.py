"""Snapshots and runs of runbooks: what is frozen, who may run what, what a run knows."""

from datetime import timedelta

import pytest

from deployments.access.permissions import Permission
from deployments.base.clock import utc_now
from deployments.base.errors import Invalid, NotPermitted
from deployments.execution.services.plan_deployment import plan_runbook_run
from deployments.execution.services.situation import open_manifest
from deployments.library.scoping import resolve_all
from deployments.library.services import VariableInput
from deployments.projects.process import process_from_json
from deployments.projects.queries import process_of, process_of_runbook
from deployments.projects.services.processes import save_process
from deployments.releases.models import RunbookRun
from deployments.releases.options import DeploymentOptions
from deployments.releases.queries import published_snapshot
from deployments.releases.services.runbook_runs import create_runbook_run, delete_runbook_run
from deployments.releases.services.runbook_snapshots import (
    delete_runbook,
    publish_runbook_snapshot,
)
from deployments.releases.variables import deployment_candidates, deployment_context
from deployments.server_tasks.models import ServerTask
from tests.factories import default_space, make_ana, make_ben, make_cleo
from tests.factories.domain import (
    make_channel,
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
from tests.factories.people import SYSTEM, as_person, give_role, make_user
from tests.factories.runbooks import make_runbook, make_snapshot
from tests.factories.tenants import connect, make_tenant, make_tenanted_project

pytestmark = pytest.mark.django_db


def ended(run: RunbookRun) -> RunbookRun:
    ServerTask.objects.in_space(run.space).filter(pk=run.task_id).update(
        state="Success", completed=run.created
    )
    return RunbookRun.objects.in_space(run.space).get(pk=run.pk)


def test_a_snapshot_freezes_steps_variables_and_packages() -> None:
    make_package("Acme.Tool", "1.0.0")
    project = make_project()
    make_variables(project, VariableInput("Color", "red"))
    runbook = make_runbook(project, "Clean", package_step("Acme.Tool"))
    first = make_snapshot(runbook)
    make_package("Acme.Tool", "2.0.0")
    make_variables(project, VariableInput("Color", "blue"))
    row = process_of_runbook(runbook)
    save_process(actor=SYSTEM, row=row, process=process_from_json([script_step("Other")]))
    assert [p.version for p in first.selected_packages.all()] == ["1.0.0"]
    assert first.process_snapshot.steps[0]["Name"] == "Deploy"
    assert first.variable_snapshot.variables[0]["value"] == "red"
    second = make_snapshot(runbook, publish=False)
    assert second.process_snapshot.steps[0]["Name"] == "Other"
    assert published_snapshot(runbook) == first
    assert process_of(project).steps == []


def test_at_most_one_snapshot_is_published() -> None:
    runbook = make_runbook(make_project())
    assert published_snapshot(runbook) is None
    first, second = make_snapshot(runbook), make_snapshot(runbook)
    assert published_snapshot(runbook) == second
    publish_runbook_snapshot(actor=SYSTEM, snapshot=first)
    assert published_snapshot(runbook) == first


def test_names_of_snapshots_are_made_or_must_be_new() -> None:
    runbook = make_runbook(make_project())
    assert make_snapshot(runbook).name.startswith("Snapshot ")
    make_snapshot(runbook, name="Spring")
    with pytest.raises(Invalid, match="has a snapshot named 'spring' already"):
        make_snapshot(runbook, name="spring")


def test_without_a_published_snapshot_nothing_runs_by_default() -> None:
    runbook, environment = make_runbook(make_project(), "Clean"), make_environment()
    draft = make_snapshot(runbook, publish=False)
    with pytest.raises(Invalid, match="'Clean' has no published snapshot"):
        create_runbook_run(actor=SYSTEM, runbook=runbook, environment=environment)
    run = create_runbook_run(actor=SYSTEM, runbook=runbook, environment=environment, snapshot=draft)
    assert run.snapshot == draft


def test_only_editors_run_what_is_not_published() -> None:
    environment = make_environment()
    ben = make_ben(default_space(), environment.public_id)
    runbook = make_runbook(make_project())
    published, draft = make_snapshot(runbook), make_snapshot(runbook, publish=False)
    run = create_runbook_run(actor=ben.actor, runbook=runbook, environment=environment)
    assert run.snapshot == published
    cleo = make_cleo(default_space())
    with pytest.raises(NotPermitted, match=Permission.RunbookRunCreate):
        create_runbook_run(actor=cleo.actor, runbook=runbook, environment=environment)
    elsewhere = make_environment()
    with pytest.raises(NotPermitted, match=Permission.RunbookRunCreate):
        create_runbook_run(actor=ben.actor, runbook=runbook, environment=elsewhere)
    user = make_user("consumer")
    give_role(user, "userroles-runbookconsumer", default_space())
    consumer = as_person(user)
    with pytest.raises(NotPermitted, match=Permission.RunbookEdit):
        create_runbook_run(
            actor=consumer.actor, runbook=runbook, environment=environment, snapshot=draft
        )


def test_no_lifecycle_and_no_freeze_of_steps_by_channel() -> None:
    first, last = make_environment(), make_environment()
    project = make_project(lifecycle=make_lifecycle(first, last))
    channel = make_channel(project)
    limited = script_step("Limited", Channels=[channel.public_id])
    runbook = make_runbook(project, "Clean", script_step("Open"), limited)
    make_snapshot(runbook)
    run = create_runbook_run(actor=SYSTEM, runbook=runbook, environment=last)
    plan = plan_runbook_run(run.task)
    names = [s["name"] for group in plan.document["groups"] for s in group["steps"]]
    assert names == ["Open"]


def test_the_environments_of_the_runbook_bound_its_runs() -> None:
    here, there = make_environment(), make_environment("There")
    project = make_project(lifecycle=make_lifecycle(here))
    runbook = make_runbook(project, "Clean", EnvironmentScope="FromProjectLifecycles")
    make_snapshot(runbook)
    create_runbook_run(actor=SYSTEM, runbook=runbook, environment=here)
    with pytest.raises(Invalid, match="cannot run in 'There': it is in no lifecycle"):
        create_runbook_run(actor=SYSTEM, runbook=runbook, environment=there)


def test_runs_of_one_runbook_in_one_place_wait_for_each_other() -> None:
    environment = make_environment()
    project = make_project(lifecycle=make_lifecycle(environment))
    runbook, other = make_runbook(project), make_runbook(project)
    tags = []
    for each in (runbook, other):
        make_snapshot(each)
        run = create_runbook_run(actor=SYSTEM, runbook=each, environment=environment)
        tags.append(run.task.concurrency_tag)
    assert tags == [f"{each.public_id}/{environment.public_id}" for each in (runbook, other)]


def test_variables_may_be_limited_to_one_runbook() -> None:
    environment = make_environment()
    project = make_project(lifecycle=make_lifecycle(environment), steps=[script_step()])
    runbook, other = make_runbook(project), make_runbook(project)
    make_variables(
        project,
        VariableInput("Level", "all"),
        VariableInput("Level", "one", scope={"ProcessOwner": [runbook.public_id]}),
        VariableInput("Level", "deployment", scope={"ProcessOwner": [project.public_id]}),
        VariableInput("Level", "channel", scope={"Channel": [make_channel(project).public_id]}),
    )
    values = {}
    for each in (runbook, other):
        make_snapshot(each)
        run = create_runbook_run(actor=SYSTEM, runbook=each, environment=environment)
        winners = resolve_all(deployment_candidates(run), deployment_context(run))
        values[each.pk] = winners["Level"].candidate.value
    assert values == {runbook.pk: "one", other.pk: "all"}
    deployment = make_deployment(make_release(project), environment)
    winners = resolve_all(deployment_candidates(deployment), deployment_context(deployment))
    assert winners["Level"].candidate.value == "deployment"


def test_the_system_variables_of_a_run() -> None:
    environment = make_environment()
    runbook = make_runbook(make_project(), "Clean")
    snapshot = make_snapshot(runbook, name="Spring", notes="Why")
    run = create_runbook_run(actor=SYSTEM, runbook=runbook, environment=environment)
    system = open_manifest(plan_runbook_run(run.task)).system
    assert {name: text for name, text in system.items() if name.startswith("Octopus.Runbook")} == {
        "Octopus.Runbook.Id": runbook.public_id,
        "Octopus.Runbook.Name": "Clean",
        "Octopus.RunbookSnapshot.Id": snapshot.public_id,
        "Octopus.RunbookSnapshot.Name": "Spring",
        "Octopus.RunbookSnapshot.Notes": "Why",
        "Octopus.RunbookRun.Id": run.public_id,
        "Octopus.RunbookRun.Name": f"Run in {environment.name}",
        "Octopus.RunbookRun.Comments": "",
        "Octopus.RunbookRun.Created": run.created.isoformat(),
        "Octopus.RunbookRun.CreatedUtc": run.created.isoformat(),
    }
    assert not [name for name in system if name.startswith("Octopus.Release.")]


def test_missing_targets_are_no_obstacle_unless_the_runbook_says_so() -> None:
    environment, project = make_environment(), make_project()
    step = script_step("Clean", roles="web")
    make_snapshot(easy := make_runbook(project, "Easy", step))
    strict_policy = {"AllowDeploymentsToNoTargets": False}
    strict = make_runbook(project, "Strict", step, ConnectivityPolicy=strict_policy)
    make_snapshot(strict)
    run = create_runbook_run(actor=SYSTEM, runbook=easy, environment=environment)
    assert plan_runbook_run(run.task).document
    with pytest.raises(Invalid, match="no deployment targets with the target tags web"):
        create_runbook_run(actor=SYSTEM, runbook=strict, environment=environment)
    make_machine(environment, roles=["web"])
    create_runbook_run(actor=SYSTEM, runbook=strict, environment=environment)


def test_prompts_and_times() -> None:
    environment, project = make_environment(), make_project()
    prompt = {"label": "Why", "required": True}
    make_variables(project, VariableInput("Reason", "", prompt=prompt))
    runbook = make_runbook(project)
    make_snapshot(runbook)
    with pytest.raises(Invalid, match="'Why' needs a value"):
        create_runbook_run(actor=SYSTEM, runbook=runbook, environment=environment)
    later = utc_now() + timedelta(hours=1)
    run = create_runbook_run(
        actor=SYSTEM,
        runbook=runbook,
        environment=environment,
        options=DeploymentOptions(form_values={"Reason": "tidy"}, not_before=later),
    )
    assert run.task.not_before == later
    winners = resolve_all(deployment_candidates(run), deployment_context(run))
    assert winners["Reason"].candidate.value == "tidy"


def test_runs_for_tenants() -> None:
    environment, project = make_environment(), make_tenanted_project()
    tenant = make_tenant("Acme")
    runbook = make_runbook(project, "Clean", MultiTenancyMode="Tenanted")
    make_snapshot(runbook)
    with pytest.raises(Invalid, match="runs only for tenants"):
        create_runbook_run(actor=SYSTEM, runbook=runbook, environment=environment)
    with pytest.raises(Invalid, match="'Acme' is not connected to"):
        create_runbook_run(actor=SYSTEM, runbook=runbook, environment=environment, tenant=tenant)
    connect(tenant, project, environment)
    run = create_runbook_run(actor=SYSTEM, runbook=runbook, environment=environment, tenant=tenant)
    assert run.task.concurrency_tag.startswith(f"{tenant.public_id}/")


def test_deleting_runs_and_runbooks() -> None:
    environment, ana = make_environment(), make_ana()
    runbook = make_runbook(make_project(), "Clean")
    make_snapshot(runbook)
    run = create_runbook_run(actor=SYSTEM, runbook=runbook, environment=environment)
    with pytest.raises(Invalid, match="cannot be deleted while a run of it goes on"):
        delete_runbook(actor=ana.actor, row=runbook)
    with pytest.raises(Invalid, match="cancel it first"):
        delete_runbook_run(actor=ana.actor, row=run)
    delete_runbook_run(actor=ana.actor, row=ended(run))
    assert not runbook.runs.exists()
    delete_runbook(actor=ana.actor, row=runbook)
    assert not runbook.project.runbooks.exists()

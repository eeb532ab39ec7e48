"""Schedules that run runbooks: what is run, for whom, with whose rights, and what is refused."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deployments.base.errors import Invalid
from deployments.library.services import VariableInput
from deployments.projects.models import AutomationDecision, Project, ProjectTrigger
from deployments.releases.models import RunbookRun
from deployments.releases.services.automation.rollouts import continue_rollouts
from deployments.releases.services.automation.scheduled import run_due_schedules
from deployments.releases.services.runbook_snapshots import publish_runbook_snapshot
from tenants.models import Tenant
from tests.factories import SYSTEM, default_space, make_ben
from tests.factories.automation import decisions, make_trigger
from tests.factories.domain import make_environment, make_project, make_variables
from tests.factories.execution import SettableClock
from tests.factories.runbooks import make_runbook, make_snapshot
from tests.factories.tenants import (
    connect,
    make_tag_set,
    make_tenant,
    make_tenanted_project,
)

pytestmark = pytest.mark.django_db

NIGHTLY = {
    "FilterType": "OnceDailySchedule",
    "StartTime": "2026-01-01T02:30:00.000",
    "Timezone": "UTC",
}
START = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


def clock_at(moment: datetime) -> SettableClock:
    clock = SettableClock()
    clock.now = moment
    return clock


def scheduled(project: Project, runbook: Any, *places: Any, **more: Any) -> ProjectTrigger:
    actor = more.pop("actor", SYSTEM)
    action = {
        "ActionType": "RunRunbook",
        "RunbookId": runbook.public_id if runbook else None,
        "EnvironmentIds": [place.public_id for place in places],
        **more,
    }
    return make_trigger(project, NIGHTLY, action, clock=clock_at(START), actor=actor)


def run_schedules() -> int:
    return run_due_schedules(clock=clock_at(START + timedelta(days=1)))


def made(project: Project) -> list[tuple[str, int | None, str]]:
    rows = RunbookRun.objects.in_space(project.space).order_by("pk")
    return list(rows.values_list("environment__name", "tenant_number", "snapshot__name"))


def test_it_runs_what_is_published_by_then_in_each_environment() -> None:
    project, here, there = make_project(), make_environment("Here"), make_environment("There")
    runbook = make_runbook(project, "Clean")
    make_snapshot(runbook, name="Old")
    trigger = scheduled(project, runbook, here, there)
    draft = make_snapshot(runbook, name="New", publish=False)
    publish_runbook_snapshot(actor=SYSTEM, snapshot=draft)
    make_snapshot(runbook, name="Draft", publish=False)
    assert run_schedules() == 1
    assert run_schedules() == 0
    assert made(project) == [("Here", None, "New"), ("There", None, "New")]
    assert decisions(project) == [
        ("Run", "Clean is run in Here."),
        ("Run", "Clean is run in There."),
    ]
    first, second = RunbookRun.objects.in_space(project.space).order_by("pk")
    assert first.options["trigger_name"] == trigger.name
    kept = AutomationDecision.objects.in_space(project.space).order_by("pk").first()
    assert kept is not None
    assert (kept.results, kept.environment_id) == ([first.public_id], here.public_id)
    assert first.comments == second.comments == "Run by the trigger Trigger."


def test_one_refusal_does_not_stop_the_others() -> None:
    project, here, there = make_project(), make_environment("Here"), make_environment("There")
    scope = {"EnvironmentScope": "Specified", "Environments": [there.public_id]}
    runbook = make_runbook(project, "Clean", **scope)
    make_snapshot(runbook)
    scheduled(project, runbook, here, there)
    run_schedules()
    assert decisions(project) == [
        (
            "Refused",
            (
                "Clean was not run in Here: The runbook 'Clean' cannot run in 'Here': it is not one"
                " of the environments of the runbook."
            ),
        ),
        ("Run", "Clean is run in There."),
    ]


def test_a_draft_is_never_run() -> None:
    project, place = make_project(), make_environment()
    runbook = make_runbook(project, "Clean")
    make_snapshot(runbook, publish=False)
    scheduled(project, runbook, place)
    run_schedules()
    assert decisions(project) == [("Refused", "The runbook 'Clean' has no published snapshot.")]


def test_a_runbook_that_is_gone_is_told() -> None:
    project, place = make_project(), make_environment()
    runbook = make_runbook(project)
    scheduled(project, runbook, place)
    number = runbook.public_id
    runbook.delete()
    run_schedules()
    assert decisions(project) == [("Refused", f"The runbook {number} does not exist any more.")]


def test_each_tenant_meant_gets_a_run_of_its_own() -> None:
    project, place = make_tenanted_project(), make_environment("Live")
    acme, umbrella, other = make_tenant("Acme"), make_tenant("Umbrella"), make_tenant("Other")
    for tenant in (acme, umbrella, other):
        connect(tenant, project, place)
    runbook = make_runbook(project, "Clean", MultiTenancyMode="Tenanted")
    make_snapshot(runbook)
    scheduled(project, runbook, place, TenantIds=[acme.public_id, umbrella.public_id])
    run_schedules()
    assert made(project) == []
    assert continue_rollouts(clock=clock_at(START + timedelta(days=1))) == 2
    assert {tenant for _, tenant, _ in made(project)} == {acme.pk, umbrella.pk}
    assert ("Run", "Clean is run in Live for Acme.") in decisions(project)


def test_all_runbooks_with_the_tags_are_run_as_they_are_tagged_then() -> None:
    project, place = make_project(), make_environment("Live")
    make_tag_set("Schedule", "Nightly", "Weekly", scopes=["Runbook"])
    backup = make_runbook(project, "Backup", RunbookTags=["schedule/nightly"])
    assert backup.settings["RunbookTags"] == ["Schedule/Nightly"]
    draft = make_runbook(project, "Draft", RunbookTags=["Schedule/Nightly"])
    weekly = make_runbook(project, "Report", RunbookTags=["Schedule/Weekly"])
    make_runbook(make_project("Other"), "Elsewhere", RunbookTags=["Schedule/Nightly"])
    trigger = scheduled(project, None, place, RunbookTags=["schedule/nightly"])
    assert trigger.action["RunbookTags"] == ["Schedule/Nightly"]
    late = make_runbook(project, "Clean", RunbookTags=["Schedule/Nightly"])
    for runbook in (backup, weekly, late):
        make_snapshot(runbook)
    make_snapshot(draft, publish=False)
    run_schedules()
    assert decisions(project) == [
        ("Run", "Backup is run in Live."),
        ("Run", "Clean is run in Live."),
        ("Refused", "The runbook 'Draft' has no published snapshot."),
    ]


def test_tagged_runbooks_are_run_for_each_tenant_meant() -> None:
    project, place = make_tenanted_project(), make_environment("Live")
    make_tag_set("Schedule", "Nightly", scopes=["Runbook"])
    for name in ("Acme", "Umbrella"):
        connect(make_tenant(name), project, place)
    for name in ("Backup", "Clean"):
        mode = {"MultiTenancyMode": "Tenanted", "RunbookTags": ["Schedule/Nightly"]}
        make_snapshot(make_runbook(project, name, **mode))
    tenants = [f"Tenants-{row.pk}" for row in Tenant.objects.in_space(project.space)]
    scheduled(project, None, place, RunbookTags=["Schedule/Nightly"], TenantIds=tenants)
    run_schedules()
    assert continue_rollouts(clock=clock_at(START + timedelta(days=1))) == 4
    assert decisions(project) == [
        ("Run", "Backup is run in Live for Acme."),
        ("Run", "Backup is run in Live for Umbrella."),
        ("Run", "Clean is run in Live for Acme."),
        ("Run", "Clean is run in Live for Umbrella."),
    ]


def test_when_no_runbook_carries_the_tags_any_more_it_is_said() -> None:
    project, place = make_project(), make_environment()
    make_tag_set("Schedule", "Nightly", scopes=["Runbook"])
    scheduled(project, None, place, RunbookTags=["Schedule/Nightly"])
    run_schedules()
    said = "No runbook of the project is tagged Schedule/Nightly."
    assert decisions(project) == [("Refused", said)]


def test_prompts_are_answered() -> None:
    project, place = make_project(), make_environment()
    make_variables(project, VariableInput("Reason", "", prompt={"label": "Why", "required": True}))
    runbook = make_runbook(project)
    make_snapshot(runbook)
    scheduled(project, runbook, place, FormValues={"Reason": "nightly"})
    run_schedules()
    assert runbook.runs.get().options["form_values"] == {"Reason": "nightly"}


def test_it_may_do_no_more_than_who_saved_it() -> None:
    project, here, there = make_project(), make_environment("Here"), make_environment("There")
    runbook = make_runbook(project, "Clean")
    make_snapshot(runbook)
    ben = make_ben(default_space(), here.public_id)
    trigger = scheduled(project, runbook, here, there)
    ProjectTrigger.objects.in_space(project.space).filter(pk=trigger.pk).update(
        saved_by=ben.actor.public_id, saved_by_name="ben"
    )
    run_schedules()
    assert decisions(project) == [
        ("Run", "Clean is run in Here."),
        (
            "Refused",
            "Clean was not run in There: ben lacks the permission RunbookRunCreate.",
        ),
    ]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"RunbookId": ""}, "RunbookId"),
        ({"RunbookId": "Runbooks-999999999"}, "RunbookId"),
        ({"RunbookTags": ["Schedule/Nightly"]}, "RunbookTags"),
        ({"RunbookId": "", "RunbookTags": ["Ring/Alpha"]}, "RunbookTags"),
        ({"EnvironmentIds": []}, "EnvironmentIds"),
        ({"EnvironmentIds": ["Environments-999999999"]}, "EnvironmentIds"),
        ({"FormValues": "no JSON"}, "Variables"),
        ({"FormValues": {"Key": "x"}}, "Variables"),
        ({"TenantIds": ["Tenants-999999999"]}, "TenantIds"),
    ],
)
def test_what_cannot_be_is_refused_when_it_is_saved(wrong: dict[str, Any], field: str) -> None:
    project, place = make_project(), make_environment()
    make_tag_set("Ring")
    make_variables(project, VariableInput("Key", "x", is_sensitive=True))
    with pytest.raises(Invalid) as error:
        scheduled(project, make_runbook(project), place, **wrong)
    assert field in error.value.fields


def test_a_runbook_of_another_project_is_refused() -> None:
    other = make_runbook(make_project())
    with pytest.raises(Invalid, match="has no runbook"):
        scheduled(make_project(), other, make_environment())

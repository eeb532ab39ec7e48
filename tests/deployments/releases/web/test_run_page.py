"""Running a runbook in several places, with choices, and again."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.access.permissions import Permission
from deployments.library.models import Variable
from deployments.library.services import VariableInput
from deployments.projects.models import Runbook
from deployments.releases.models import RunbookRun
from tests.factories import default_space, make_ana, make_ben
from tests.factories.domain import (
    make_environment,
    make_machine,
    make_project,
    make_variables,
    script_step,
)
from tests.factories.people import give_role
from tests.factories.runbooks import make_run, make_runbook, make_snapshot
from tests.factories.tenants import connect, make_tag_set, make_tenant, make_tenanted_project
from tests.support.portal import Visitor, hidden, text_of

pytestmark = pytest.mark.django_db


def path_of(runbook: Runbook) -> str:
    return f"projects/{runbook.project.public_id}/runbooks/{runbook.public_id}/run"


def made(runbook: Runbook) -> list[tuple[str, int | None]]:
    rows = RunbookRun.objects.in_space(runbook.space).filter(runbook=runbook).order_by("pk")
    return list(rows.values_list("environment__name", "tenant_number"))


def test_several_environments_get_a_run_each_or_none() -> None:
    here, there, ana = make_environment("Here"), make_environment("There"), Visitor(make_ana())
    runbook = make_runbook(make_project(), "Clean", script_step("Sweep"))
    make_snapshot(runbook)
    both = {"environment": [here.public_id, there.public_id]}
    page = text_of(ana.post(path_of(runbook), {**both, "preview": "1"}))
    assert "The same plan for 2" in page
    assert "Run Clean in 2 places" in page
    assert made(runbook) == []
    done = ana.post(path_of(runbook), both)
    assert done.url.endswith(f"/runbooks/{runbook.public_id}")
    assert made(runbook) == [("Here", None), ("There", None)]
    wrong = ana.post(path_of(runbook), {**both, "when": "later", "not_before": "2020"})
    assert wrong.status_code == 400
    far = {"when": "later", "not_before": "2126-01-01T00:00"}
    refused = ana.post(path_of(runbook), {**both, **far})
    assert (refused.status_code, "Here: A deployment can start" in text_of(refused)) == (400, True)
    assert len(made(runbook)) == 2


def test_tenants_by_name_and_tag() -> None:
    live, ana = make_environment("Live"), Visitor(make_ana())
    project = make_tenanted_project()
    ring = make_tag_set("Ring", "Early", "Late")
    early = f"{ring.name}/Early"
    acme, umbrella, initech = (
        make_tenant("Acme", early),
        make_tenant("Umbrella"),
        make_tenant("Initech"),
    )
    for tenant in (acme, umbrella):
        connect(tenant, project, live)
    connect(initech, project)
    runbook = make_runbook(project, "Clean", MultiTenancyMode="Tenanted")
    make_snapshot(runbook)
    sent = {
        "environment": [live.public_id],
        "tenant": [umbrella.public_id, initech.public_id],
        "tenant_tag": [early],
    }
    page = text_of(ana.post(path_of(runbook), {**sent, "preview": "1"}))
    assert "'Initech' is not connected to" in page
    assert "1 refused: nothing runs" in page
    assert "1 of 3 marked places refuses; the list says why." in page
    assert "Run Clean in the other 2" in page
    assert ana.post(path_of(runbook), sent).status_code == 400
    assert made(runbook) == []
    button = {"leave_out": "1", "shown": hidden(ana.get(path_of(runbook), sent), "shown")}
    other = ana.post(path_of(runbook), {**sent, "tenant_tag": [], **button})
    assert (other.status_code, made(runbook)) == (400, [])
    assert "no longer those that were shown" in text_of(other)
    assert ana.post(path_of(runbook), {**sent, **button}).status_code == 302
    assert made(runbook) == [("Live", acme.pk), ("Live", umbrella.pk)]


def test_targets_steps_and_times_are_chosen_and_taken_over_by_the_next_run() -> None:
    here, there, ana = make_environment("Here"), make_environment("There"), Visitor(make_ana())
    project = make_project()
    make_variables(
        project,
        VariableInput("Reason", "", prompt={"label": "Why"}),
        VariableInput("Code", "", prompt={"label": "Code"}, is_sensitive=True),
    )
    variables = Variable.objects.in_space(project.space)
    prompts = {each.name: each.guid for each in variables}
    runbook = make_runbook(
        project, "Clean", script_step("Sweep", roles="web"), script_step("Polish", roles="web")
    )
    snapshot = make_snapshot(runbook)
    web, other = (make_machine(here, name=f"web-{n}", roles=["web"]) for n in (1, 2))
    make_machine(there, name="web-3", roles=["web"])
    polish = snapshot.process_snapshot.steps[1]["Actions"][0]["Id"]
    sent = {
        "environment": here.public_id,
        "skip": polish,
        "targets": "without",
        "machine": other.public_id,
        "guided": "ask",
        "when": "later",
        "not_before": "2126-01-01T00:00",
        f"prompt:{prompts['Reason']}": "tidy",
        f"prompt:{prompts['Code']}": "hunter22",
        "comments": "Spring",
    }
    page = text_of(ana.post(path_of(runbook), {**sent, "preview": "1"}))
    assert "web-1" in page
    assert "web-3" not in page
    assert ana.post(path_of(runbook), sent).status_code == 400  # at most thirty days from now
    assert ana.post(path_of(runbook), {**sent, "when": "now"}).status_code == 302
    run = RunbookRun.objects.in_space(runbook.space).get()
    assert run.options["skip_actions"] == [polish]
    assert run.options["excluded_machines"] == [other.public_id]
    assert run.options["use_guided_failure"] is True
    assert run.comments == "Spring"
    again = ana.get(path_of(runbook), {"again": run.public_id}).content.decode()
    assert f'value="{here.public_id}" checked' in again
    assert f'value="{there.public_id}" checked' not in again
    assert f'name="skip" value="{polish}" checked' in again
    assert f'name="machine" value="{other.public_id}" checked' in again
    assert f'name="machine" value="{web.public_id}" checked' not in again
    assert 'value="tidy"' in again
    assert "hunter22" not in again
    strange = make_run(_another(), here)
    assert ana.get(path_of(runbook), {"again": strange.public_id}).status_code == 404


def _another() -> Runbook:
    runbook = make_runbook(make_project())
    make_snapshot(runbook)
    return runbook


def test_who_may_not_run_it_there_is_told_whom_to_ask() -> None:
    here, there = make_environment("Here"), make_environment("There")
    runbook = make_runbook(make_project(), "Clean")
    make_snapshot(runbook)
    person = make_ben(default_space(), here.public_id)
    give_role(person.user, "userroles-projectviewer", default_space())
    ben = Visitor(person)
    page = text_of(ben.get(path_of(runbook)))
    assert f"You need the permission {Permission.RunbookRunCreate} there." in page
    assert ben.post(path_of(runbook), {"environment": there.public_id}).status_code in {400, 403}
    assert made(runbook) == []


def test_a_draft_is_offered_to_editors_only() -> None:
    here, ana = make_environment("Here"), Visitor(make_ana())
    runbook = make_runbook(make_project(), "Clean")
    make_snapshot(runbook, name="Spring")
    draft = make_snapshot(runbook, name="Draft", publish=False)
    assert "Spring (published)" in text_of(ana.get(path_of(runbook)))
    sent = {"environment": here.public_id, "snapshot": draft.public_id}
    assert ana.post(path_of(runbook), sent).status_code == 302
    assert RunbookRun.objects.in_space(runbook.space).get().snapshot == draft


def test_queries_do_not_grow_with_runs_and_environments() -> None:
    ana, runbook = Visitor(make_ana()), make_runbook(make_project())
    make_snapshot(runbook)
    places = [make_environment() for _ in range(2)]
    ana.get(path_of(runbook))
    with CaptureQueriesContext(connection) as few:
        ana.get(path_of(runbook))
    for place in [*places, *(make_environment() for _ in range(6))]:
        make_run(runbook, place)
    with CaptureQueriesContext(connection) as many:
        ana.get(path_of(runbook))
    assert len(many) == len(few) <= 30

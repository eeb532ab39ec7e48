"""The pages of runbooks."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.library.models import Variable
from deployments.library.services import VariableInput
from deployments.projects.models import Runbook
from deployments.projects.queries import process_of_runbook, runbooks_of
from deployments.projects.runbooks import runbook_document
from deployments.releases.queries import published_snapshot
from tests.factories import default_space, make_ana, make_ben, make_cleo, make_dan, make_space
from tests.factories.automation import make_trigger
from tests.factories.domain import make_environment, make_project, make_variables, script_step
from tests.factories.people import as_person, give_role, make_user
from tests.factories.runbooks import make_run, make_runbook, make_snapshot
from tests.factories.tenants import make_tag_set
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db

STEP = {
    "type": "Octopus.Script",
    "name": "Sweep",
    "prop:Octopus.Action.RunOnServer": "true",
    "prop:Octopus.Action.Script.ScriptSource": "Inline",
    "prop:Octopus.Action.Script.Syntax": "Bash",
    "prop:Octopus.Action.Script.ScriptBody": "echo one",
    "condition": "Success",
}


def path_of(runbook: Runbook, more: str = "") -> str:
    return f"projects/{runbook.project.public_id}/runbooks/{runbook.public_id}{more}"


def test_from_nothing_to_a_run() -> None:
    project, place, ana = make_project(), make_environment("Staging"), Visitor(make_ana())
    listing = f"projects/{project.public_id}/runbooks"
    assert "No runbooks yet" in text_of(ana.get(listing))
    assert "Name is required" in text_of(ana.post(listing, {"name": " "}))
    assert ana.post(listing, {"name": "Clean"}).status_code == 302
    [runbook] = runbooks_of(project)
    assert "No steps yet" in text_of(ana.get(path_of(runbook, "/process")))
    assert "Run a Script" in text_of(ana.get(path_of(runbook, "/process/add")))
    sent = {**STEP, "version": process_of_runbook(runbook).version}
    saved = ana.post(path_of(runbook, "/process/save"), sent)
    assert saved.url.endswith(path_of(runbook, "/process"))
    assert "Sweep" in text_of(ana.get(path_of(runbook, "/process")))
    assert "Nothing is published" in text_of(ana.get(path_of(runbook, "/run")))
    ana.post(path_of(runbook, "/snapshot"), {"name": "Spring", "publish": "on"})
    assert "Spring Published" in text_of(ana.get(path_of(runbook)))
    form = text_of(ana.get(path_of(runbook, "/run"), {"environment": place.public_id}))
    assert "Sweep" in form
    started = ana.post(path_of(runbook, "/run"), {"environment": place.public_id})
    [run] = runbook.runs.all()
    assert started.url.endswith(f"/tasks/ServerTasks-{run.task_id}")
    assert "Run Clean of" in text_of(ana.get(f"tasks/ServerTasks-{run.task_id}"))
    assert "Staging" in text_of(ana.get(path_of(runbook)))


def test_an_old_snapshot_is_published_and_changes_are_told() -> None:
    runbook, ana = make_runbook(make_project()), Visitor(make_ana())
    old, _ = make_snapshot(runbook), make_snapshot(runbook)
    ana.post(path_of(runbook, "/publish"), {"snapshot": old.public_id})
    assert published_snapshot(runbook) == old
    assert "not the newest" not in text_of(ana.get(path_of(runbook)))
    make_variables(runbook.project, VariableInput("Color", "blue"))
    assert "not the newest" in text_of(ana.get(path_of(runbook)))


def test_prompts_and_places_that_are_not_open() -> None:
    here, there = make_environment("Here"), make_environment("There")
    project = make_project()
    make_variables(project, VariableInput("Reason", "", prompt={"label": "Why", "required": True}))
    scope = {"EnvironmentScope": "Specified", "Environments": [here.public_id]}
    runbook = make_runbook(project, "Clean", script_step(), **scope)
    make_snapshot(runbook)
    ana, run = Visitor(make_ana()), path_of(runbook, "/run")
    answer = f"prompt:{Variable.objects.in_space(project.space).get().guid}"
    assert "cannot run in 'There'" in text_of(ana.get(run))
    refused = ana.post(run, {"environment": here.public_id, answer: ""})
    assert (refused.status_code, "'Why' needs a value" in text_of(refused)) == (400, True)
    ana.post(run, {"environment": there.public_id, answer: "tidy"})
    assert not runbook.runs.exists()
    ana.post(run, {"environment": here.public_id, answer: "tidy"})
    assert runbook.runs.get().options["form_values"] == {"Reason": "tidy"}


def test_who_may_do_what() -> None:
    place = make_environment()
    runbook = make_runbook(make_project())
    snapshot = make_snapshot(runbook)
    visitors = [
        Visitor(person)
        for person in (
            make_ana(),
            make_ben(default_space(), place.public_id),
            make_cleo(default_space()),
            make_dan(make_space()),
        )
    ]
    pages = {
        "": [200, 200, 200, 404],
        "/process": [200, 200, 200, 404],
        "/process/add": [200, 200, 403, 404],
        "/run": [200, 200, 403, 404],
        "/settings": [200, 200, 200, 404],
        f"/snapshots/{snapshot.public_id}": [200, 200, 200, 404],
    }
    for more, expected in pages.items():
        assert [v.get(path_of(runbook, more)).status_code for v in visitors] == expected
    draft = f"/snapshots/{make_snapshot(runbook, publish=False).public_id}"
    fields = {"name": "New", "scope": "All", "mode": "Untenanted", "guided": "On"}
    posts = {
        "/settings": [302, 302, 403, 404],
        draft: [302, 302, 403, 404],
        f"{draft}/variables": [302, 302, 403, 404],
        f"{draft}/delete": [302, 404, 403, 404],
        "/snapshot": [302, 302, 403, 404],
        "/delete": [302, 404, 403, 404],
    }
    for more, expected in posts.items():
        assert [v.post(path_of(runbook, more), fields).status_code for v in visitors] == expected


def test_the_number_of_queries_does_not_grow() -> None:
    project, ana = make_project(), Visitor(make_ana())
    listing = f"projects/{project.public_id}/runbooks"
    make_snapshot(make_runbook(project))
    ana.get(listing)
    with CaptureQueriesContext(connection) as few:
        ana.get(listing)
    for _ in range(4):
        make_snapshot(make_runbook(project))
    with CaptureQueriesContext(connection) as many:
        ana.get(listing)
    assert len(many) == len(few) <= 25


def test_settings_are_shown_changed_and_refused() -> None:
    place, other, ana = make_environment("Here"), make_environment("There"), Visitor(make_ana())
    runbook = make_runbook(make_project(), "Clean")
    path = path_of(runbook, "/settings")
    assert "The default of the space: 100 runs" in text_of(ana.get(path))
    sent = {
        "name": "Tidy",
        "description": "Why",
        "slug": runbook.slug,
        "scope": "Specified",
        "environments": [place.public_id],
        "mode": "TenantedOrUntenanted",
        "guided": "On",
        "keep": "days",
        "quantity": "30",
        "no_targets": "on",
        "CancelQueuedTasks": "on",
    }
    assert ana.post(path, sent).status_code == 302
    runbook.refresh_from_db()
    document = runbook_document(runbook.settings)
    assert (runbook.name, document["Environments"]) == ("Tidy", [place.public_id])
    assert document["RunRetentionPolicy"] == {
        "Strategy": "Count",
        "QuantityToKeep": 30,
        "Unit": "Days",
        "ShouldKeepForever": False,
    }
    assert (document["DefaultGuidedFailureMode"], document["CancelQueuedTasks"]) == ("On", True)
    shown = ana.get(path).content.decode()
    assert f'value="{place.public_id}" checked' in shown
    assert f'value="{other.public_id}" checked' not in shown
    assert 'name="quantity" value="30"' in shown
    for wrong, words in (
        ({"quantity": "many"}, "QuantityToKeep must be"),
        ({"scope": "Some"}, "EnvironmentScope must be one of"),
        ({"environments": ["Environments-999999999"]}, "There is no environment"),
        ({"name": ""}, "Name is required"),
    ):
        answer = ana.post(path, {**sent, **wrong})
        assert (answer.status_code, words in text_of(answer)) == (400, True)


def test_projects_may_have_runbooks_of_the_same_name() -> None:
    ana = Visitor(make_ana())
    books = [make_runbook(make_project(name), "Backup") for name in ("Api", "Web")]
    assert {book.slug for book in books} == {"backup"}
    for book in books:
        page = ana.get(f"projects/{book.project.slug}/runbooks/backup")
        assert book.public_id in page.content.decode()
        assert ana.get(f"projects/{book.project.slug}/runbooks/backup/process").status_code == 200


def test_runbooks_are_found_by_their_tags() -> None:
    ana, project = Visitor(make_ana()), make_project()
    runbook, other = make_runbook(project, "Clean"), make_runbook(project, "Restore")
    listing, path = f"projects/{project.public_id}/runbooks", path_of(runbook, "/settings")
    assert "There is no tag set for runbooks yet" in text_of(ana.get(path))
    make_tag_set("Schedule", "Nightly", "Weekly", scopes=["Runbook"])
    sent = {
        "name": "Clean",
        "scope": "All",
        "mode": "Untenanted",
        "guided": "Off",
        "keep": "default",
    }
    refused = ana.post(path, {**sent, "tags": ["Schedule/Hourly"]})
    assert (refused.status_code, "no tag 'Schedule/Hourly'" in text_of(refused)) == (400, True)
    assert ana.post(path, {**sent, "tags": ["Schedule/Nightly"]}).status_code == 302
    assert 'value="Schedule/Nightly" checked' in ana.get(path).content.decode()
    assert "Nightly" in text_of(ana.get(path_of(runbook)))
    found = ana.get(f"{listing}?tag=schedule/nightly").content.decode()
    assert (runbook.public_id in found, other.public_id in found) == (True, False)
    nobody = text_of(ana.get(f"{listing}?tag=Schedule/Weekly"))
    assert "No runbook carries Schedule/Weekly" in nobody


def test_a_runbook_is_limited_to_environments_that_one_sees_or_that_are_there() -> None:
    seen, there, hidden = (make_environment(name) for name in ("Seen", "There", "Hidden"))
    runbook = make_runbook(make_project(), "Clean", Environments=[there.public_id])
    user = make_user()
    give_role(
        user, "userroles-projectcontributor", default_space(), {"environment": [seen.public_id]}
    )
    keeper, path = Visitor(as_person(user)), path_of(runbook, "/settings")
    assert {each.name for each in keeper.get(path).context["environments"]} == {"Seen", "There"}
    sent = {"name": "Clean", "scope": "Specified", "mode": "Untenanted", "guided": "Off"}
    sent["keep"] = "default"
    for rows, status in (([seen, there], 302), ([seen, hidden], 400)):
        ids = [each.public_id for each in rows]
        assert keeper.post(path, {**sent, "environments": ids}).status_code == status


def test_a_snapshot_is_looked_at_named_and_deleted() -> None:
    project, place, ana = make_project(), make_environment(), Visitor(make_ana())
    runbook = make_runbook(project, "Clean", script_step("Sweep"))
    old = make_snapshot(runbook, name="Old")
    make_run(runbook, place, state="Success")
    path = path_of(runbook, f"/snapshots/{old.public_id}")
    page = text_of(ana.get(path))
    assert "Sweep" in page
    assert "1 run" in page
    make_variables(
        project, VariableInput("Color", "blue", scope={"Environment": [place.public_id]})
    )
    shown = text_of(ana.get(path))
    assert "Variables changed since the snapshot 1" in shown
    assert f"Color {place.name} Not set blue" in shown
    assert ana.post(f"{path}/variables").status_code == 302
    assert "Variables changed" not in text_of(ana.get(path))
    asked = VariableInput(
        "Color", "blue", scope={"Environment": [place.public_id]}, prompt={"label": "Which"}
    )
    make_variables(project, asked)
    assert "Asked for in another way" in text_of(ana.get(path))
    make_snapshot(runbook, name="New")
    refused = ana.post(path, {"name": "new", "notes": ""})
    assert (refused.status_code, "named 'new' already" in text_of(refused)) == (400, True)
    assert ana.post(path, {"name": "Spring", "notes": "Why"}).status_code == 302
    assert "Spring" in text_of(ana.get(path_of(runbook)))
    assert ana.post(f"{path}/delete").url.endswith(path_of(runbook))
    assert ana.get(path).status_code == 404
    assert not runbook.runs.exists()


def test_the_page_of_the_task_leads_to_the_runbook_and_to_the_next_run() -> None:
    runbook, place, ana = make_runbook(make_project(), "Clean"), make_environment(), make_ana()
    make_snapshot(runbook)
    run = make_run(runbook, place)
    again = f"/runbooks/{runbook.public_id}/run?again={run.public_id}"
    page = Visitor(ana).get(f"tasks/ServerTasks-{run.task_id}").content.decode()
    assert f'/runbooks/{runbook.public_id}">Clean</a>' in page
    assert again not in page
    done = make_run(runbook, place, state="Success")
    path = f"tasks/ServerTasks-{done.task_id}"
    assert again.replace(run.public_id, done.public_id) in Visitor(ana).get(path).content.decode()
    reader = Visitor(make_cleo(default_space())).get(path).content.decode()
    assert "?again=" not in reader


def test_what_runs_it_by_itself_is_told_and_a_schedule_is_added_from_there() -> None:
    project, ana = make_project(), Visitor(make_ana())
    runbook, place = make_runbook(project, "Clean"), make_environment("Staging")
    make_tag_set("Often", "Nightly", scopes=["Runbook"])
    assert "Only when somebody runs it" in text_of(ana.get(path_of(runbook)))
    nightly = {"FilterType": "CronExpressionSchedule", "CronExpression": "0 6 * * Mon-Fri"}
    action = {"ActionType": "RunRunbook", "EnvironmentIds": [place.public_id]}
    by_id, by_tag = {"RunbookId": runbook.public_id}, {"RunbookTags": ["Often/Nightly"]}
    make_trigger(project, nightly, {**action, **by_id}, name="Mornings")
    make_trigger(project, nightly, {**action, **by_tag}, name="Tagged", is_disabled=True)
    other = make_runbook(project, "Other")
    shown = text_of(ana.get(path_of(runbook)))
    assert ("Mornings" in shown, "0 6 * * Mon-Fri" in shown, "Tagged" in shown) == (
        True,
        True,
        False,
    )
    runbook.settings = {**runbook.settings, "RunbookTags": ["Often/Nightly"]}
    runbook.save()
    assert "Tagged" in text_of(ana.get(path_of(runbook)))
    assert "Mornings" not in text_of(ana.get(path_of(other)))
    link = f"projects/{project.public_id}/triggers/new?kind=schedule&runbook={runbook.public_id}"
    assert link.replace("&", "&amp;") in ana.get(path_of(runbook)).content.decode()
    form = ana.get(link).content.decode()
    assert 'value="RunRunbook" checked' in form
    assert f'<option value="{runbook.public_id}" selected>' in form

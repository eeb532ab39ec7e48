"""The pages of triggers."""

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.base.clock import utc_now
from deployments.library.services import VariableInput
from deployments.projects.models import Outcome, Project, ProjectTrigger
from deployments.projects.queries import default_channel
from deployments.projects.services.decisions import (
    KEPT_FOR,
    Decision,
    forget_old_decisions,
    log_decision,
)
from tests.deployments.projects.web.trigger_pages import only, path_of
from tests.factories import default_space, make_ana, make_ben, make_cleo, make_dan, make_space
from tests.factories.automation import make_trigger
from tests.factories.domain import make_environment, make_project, make_variables, package_step
from tests.factories.people import as_person, give_role, make_user
from tests.factories.runbooks import make_run, make_runbook, make_snapshot
from tests.factories.tenants import make_tag_set, make_tenant, make_tenanted_project
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db

CRON = {"FilterType": "CronExpressionSchedule", "CronExpression": "0 6 * * Mon-Fri"}


def _nightly(project: Project, name: str = "Nightly") -> ProjectTrigger:
    environment = make_environment()
    action = {"ActionType": "DeployNewRelease", "EnvironmentId": environment.public_id}
    return make_trigger(project, CRON, action, name=name)


def _schedule(**more: Any) -> dict[str, Any]:
    return {
        "kind": "schedule",
        "name": "Nightly",
        "schedule": "OnceDailySchedule",
        "zone": "Europe/Berlin",
        "days": ["Monday", "Tuesday"],
        "at": "02:30",
        "after": "00:00",
        "until": "23:59",
        "action": "DeployLatestRelease",
        "redeploys": "on",
        **more,
    }


def test_a_schedule_is_created_shown_and_changed() -> None:
    project, staging, production = (
        make_project(),
        make_environment("Staging"),
        make_environment("Live"),
    )
    ana = Visitor(make_ana())
    assert "No triggers yet" in text_of(ana.get(path_of(project)))
    assert (
        "Europe/Berlin" in ana.get(path_of(project, "/new"), {"kind": "schedule"}).content.decode()
    )
    sent = _schedule(sources=[staging.public_id], destination=production.public_id)
    assert ana.post(path_of(project, "/new"), sent).status_code == 302
    row = only(project)
    assert row.filter == {
        "FilterType": "OnceDailySchedule",
        "StartTime": "2000-01-01T02:30:00.000Z",
        "DaysOfWeek": ["Monday", "Tuesday"],
        "Timezone": "Europe/Berlin",
    }
    assert row.action["SourceEnvironmentIds"] == [staging.public_id]
    assert row.saved_by_name == "ana"
    shown = text_of(ana.get(path_of(project, f"/{row.public_id}")))
    assert "Monday, Tuesday at 02:30, Europe/Berlin" in shown
    assert "Deploy what is current in Staging to Live" in shown
    assert shown.count("UTC") == 5
    form = ana.get(path_of(project, f"/{row.public_id}/edit")).content.decode()
    assert 'value="02:30"' in form
    sent = _schedule(schedule="DayOfMonth", number="L", weekday="Friday", at="18:00")
    sent |= {"action": "DeployNewRelease", "destination": staging.public_id}
    assert ana.post(path_of(project, f"/{row.public_id}/edit"), sent).status_code == 302
    listed = text_of(ana.get(path_of(project)))
    assert "On the last Friday of the month at 18:00, Europe/Berlin" in listed
    assert "Create a release and deploy it to Staging" in listed


def test_an_interval_is_kept_as_numbers() -> None:
    project, live = make_project(), make_environment("Live")
    ana = Visitor(make_ana())
    sent = _schedule(schedule="ContinuousDailySchedule", every="20", unit="minutes")
    sent |= {"destination": live.public_id}
    assert ana.post(path_of(project, "/new"), sent).status_code == 302
    assert only(project).filter["MinuteInterval"] == 20
    edit = ana.get(path_of(project, f"/{only(project).public_id}/edit")).content.decode()
    assert 'name="every" value="20"' in edit


def test_answers_to_prompts_are_kept_unless_they_are_secret() -> None:
    project, live = make_project(), make_environment("Live")
    make_variables(project, VariableInput("Key", "x", is_sensitive=True))
    ana = Visitor(make_ana())
    sent = _schedule(destination=live.public_id, answers="Reason = nightly\nKey = hunter22")
    answer = ana.post(path_of(project, "/new"), sent)
    assert answer.status_code == 400
    assert "'Key' is sensitive" in text_of(answer)
    sent["answers"] = "Reason = nightly = daily"
    assert ana.post(path_of(project, "/new"), sent).status_code == 302
    assert only(project).action["Variables"] == '{"Reason": "nightly = daily"}'
    form = ana.get(path_of(project, f"/{only(project).public_id}/edit")).content.decode()
    assert "Reason = nightly = daily</textarea>" in form


def test_the_next_runs_are_shown_before_it_is_saved() -> None:
    project = make_project()
    sent = _schedule(schedule="CronExpressionSchedule", cron="0 6 1 1 *", do="preview")
    with time_machine.travel(datetime(2031, 12, 31, 23, 59, tzinfo=UTC), tick=False):
        answer = Visitor(make_ana()).post(path_of(project, "/new"), sent)
    assert "2032-01-01 06:00" in text_of(answer)
    assert not ProjectTrigger.objects.in_space(project.space).exists()
    assert 'value="0 6 1 1 *"' in answer.content.decode()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"name": ""}, "Name is required."),
        ({"zone": "Mars"}, "'Mars' is no time zone."),
        ({"destination": ""}, "Choose the environment to deploy to"),
        ({"schedule": "CronExpressionSchedule", "cron": "soon"}, "has not five, six or seven"),
        ({"schedule": "ContinuousDailySchedule", "every": "0"}, "is no number from 1 to 23."),
        ({"schedule": "Moon"}, "'Moon' is not one of"),
        ({"at": "25:99"}, "StartTime needs a time of day"),
    ],
)
def test_what_is_wrong_is_said_and_kept(wrong: dict[str, str], sentence: str) -> None:
    project, live = make_project(), make_environment("Live")
    ana = Visitor(make_ana())
    sent = {**_schedule(destination=live.public_id, description="kept"), **wrong}
    answer = ana.post(path_of(project, "/new"), sent)
    assert answer.status_code == 400
    assert sentence in text_of(answer)
    assert "kept" in answer.content.decode()


def test_a_schedule_for_tenants_names_them() -> None:
    project, live = make_tenanted_project(), make_environment("Live")
    make_tag_set("Ring", "Early")
    ash = make_tenant("Ash")
    ana = Visitor(make_ana())
    sent = _schedule(destination=live.public_id, tenants="ash", tags="Ring/Early, Ring/Moon")
    answer = ana.post(path_of(project, "/new"), sent)
    assert "There is no tenant tag 'Ring/Moon'." in text_of(answer)
    sent["tags"] = "ring/early"
    assert ana.post(path_of(project, "/new"), sent).status_code == 302
    action = only(project).action
    assert (action["TenantIds"], action["TenantTags"]) == ([ash.public_id], ["Ring/Early"])
    form = ana.get(path_of(project, f"/{only(project).public_id}/edit")).content.decode()
    assert 'name="tenants" value="Ash"' in form
    assert "to Live for Ash, Ring/Early" in text_of(ana.get(path_of(project)))


def test_triggers_of_targets_and_of_packages() -> None:
    project = make_project(steps=[package_step("Acme.Web")])
    staging = make_environment("Staging")
    ana = Visitor(make_ana())
    sent = {
        "kind": "targets",
        "name": "New targets",
        "groups": ["MachineAvailableForDeployment"],
        "environments": [staging.public_id],
        "roles": "web, db",
    }
    assert ana.post(path_of(project, "/new"), sent).status_code == 302
    shown = text_of(ana.get(path_of(project)))
    assert "A target becomes available for deployment, in Staging, tagged web, db" in shown
    only(project).delete()
    assert "Deploy: Acme.Web" in text_of(ana.get(path_of(project, "/new"), {"kind": "packages"}))
    sent = {
        "kind": "packages",
        "name": "Pushes",
        "packages": ["Deploy\t"],
        "how": "ArcFeedFilter",
        "channel": default_channel(project).public_id,
    }
    assert ana.post(path_of(project, "/new"), sent).status_code == 302
    assert "Create a release in the channel Default" in text_of(ana.get(path_of(project)))
    edit = ana.get(path_of(project, f"/{only(project).public_id}/edit")).content.decode()
    assert 'value="Deploy\t" checked' in edit


def test_pausing_going_on_and_deleting() -> None:
    project = make_project()
    row = _nightly(project)
    ana = Visitor(make_ana())
    ana.post(path_of(project, f"/{row.public_id}/pause"), {"do": "pause", "from": "page"})
    assert only(project).is_disabled
    assert "Paused" in text_of(ana.get(path_of(project)))
    ana.post(path_of(project, f"/{row.public_id}/pause"), {"do": "resume"})
    assert isinstance(only(project).next_run, datetime)
    ana.post(path_of(project, f"/{row.public_id}/delete"), {})
    assert not ProjectTrigger.objects.in_space(project.space).exists()


def test_decisions_are_told_with_their_reasons() -> None:
    project = make_project()
    row = _nightly(project)
    decision = Decision(Outcome.REFUSED, "The cause", "The <b>reason</b>")
    log_decision(project, decision, trigger=row)
    place = make_environment().public_id
    by_lifecycle = Decision(
        Outcome.NOTHING, "Release 1.0.0 was created", "It was before.", environment_id=place
    )
    log_decision(project, by_lifecycle)
    ana = Visitor(make_ana())
    listed = text_of(ana.get(path_of(project)))
    assert "The <b>reason</b>" in listed.replace("&lt;", "<").replace("&gt;", ">")
    assert "Lifecycle" in listed
    assert "The cause" in text_of(ana.get(path_of(project, f"/{row.public_id}")))
    only = text_of(ana.get(path_of(project, "/decisions"), {"outcome": "Nothing"}))
    assert "It was before." in only
    assert "The cause" not in only
    assert forget_old_decisions(clock=lambda: utc_now() + KEPT_FOR / 2) == 0
    assert forget_old_decisions(clock=lambda: utc_now() + KEPT_FOR * 2) == 2


def test_the_list_costs_the_same_for_many() -> None:
    project = make_project()
    ana = Visitor(make_ana())

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert ana.get(path_of(project)).status_code == 200
        return len(captured)

    for name in ("One", "Two"):
        log_decision(project, Decision(Outcome.NOTHING, "c", "r"), trigger=_nightly(project, name))
    few = queries()
    for number in range(5):
        row = _nightly(project, f"More {number}")
        log_decision(project, Decision(Outcome.NOTHING, "c", "r"), trigger=row)
    assert queries() == few


def test_each_sees_and_does_what_they_may() -> None:
    """Ana manages; Ben edits projects; Cleo looks; Dan belongs elsewhere."""
    space = default_space()
    project = make_project()
    row = _nightly(project)
    ben, cleo = Visitor(make_ben(space)), Visitor(make_cleo(space))
    dan = Visitor(make_dan(make_space("Elsewhere")))
    for visitor in (ben, cleo):
        assert visitor.get(path_of(project)).status_code == 200
        assert visitor.get(path_of(project, f"/{row.public_id}")).status_code == 200
    assert ben.get(path_of(project, "/new")).status_code == 200
    assert cleo.get(path_of(project, "/new")).status_code == 403
    for more in ("edit", "pause", "delete"):
        answer = cleo.post(path_of(project, f"/{row.public_id}/{more}"), _schedule())
        assert answer.status_code == 403
    assert dan.get(path_of(project)).status_code == 404
    other = make_project()
    assert Visitor(make_ana()).get(path_of(other, f"/{row.public_id}")).status_code == 404


def test_the_form_offers_environments_that_one_may_see_or_that_are_named() -> None:
    project = make_project()
    staging, live = make_environment("Staging"), make_environment("Live")
    make_environment("Secret lab")
    user = make_user("eve")
    give_role(user, "userroles-projectlead", default_space(), {"environment": [staging.public_id]})
    eve = Visitor(as_person(user))
    form = text_of(eve.get(path_of(project, "/new")))
    assert "Staging" in form
    assert "Live" not in form
    action = {
        "ActionType": "DeployLatestRelease",
        "SourceEnvironmentIds": [live.public_id],
        "DestinationEnvironmentId": staging.public_id,
    }
    row = make_trigger(project, CRON, action, name="Nightly")
    form = text_of(eve.get(path_of(project, f"/{row.public_id}/edit")))
    assert "Live" in form
    assert "Secret lab" not in form


def test_a_schedule_runs_a_runbook() -> None:
    project, live = make_project(), make_environment("Live")
    ana = Visitor(make_ana())
    assert "Run runbooks" not in text_of(ana.get(path_of(project, "/new")))
    runbook = make_runbook(project, "Clean")
    assert "Run runbooks" in text_of(ana.get(path_of(project, "/new")))
    sent = _schedule(action="RunRunbook", runbook=runbook.public_id, answers="Why = tidy")
    refused = ana.post(path_of(project, "/new"), sent)
    assert refused.status_code == 400
    assert "Choose at least one environment to run it in." in text_of(refused)
    assert ana.post(path_of(project, "/new"), {**sent, "places": live.public_id}).status_code == 302
    row = only(project)
    assert row.action == {
        "ActionType": "RunRunbook",
        "RunbookId": runbook.public_id,
        "RunbookTags": [],
        "EnvironmentIds": [live.public_id],
        "TenantIds": [],
        "TenantTags": [],
        "FormValues": {"Why": "tidy"},
    }
    shown = text_of(ana.get(path_of(project, f"/{row.public_id}")))
    assert "Run Clean in Live" in shown
    form = ana.get(path_of(project, f"/{row.public_id}/edit")).content.decode()
    assert "Why = tidy</textarea>" in form
    make_snapshot(runbook)
    run = make_run(runbook, live)
    made = Decision(Outcome.RUN, "Planned", "Clean is run.", results=(run.public_id,))
    log_decision(project, made, trigger=row)
    page = ana.get(path_of(project, f"/{row.public_id}"))
    assert f"/runbook-runs/{run.public_id}" in page.content.decode()
    assert ana.get(f"runbook-runs/{run.public_id}").url.endswith(
        f"/tasks/ServerTasks-{run.task_id}"
    )


def test_a_schedule_runs_all_runbooks_with_a_tag() -> None:
    project, live = make_project(), make_environment("Live")
    ana, runbook = Visitor(make_ana()), make_runbook(project, "Clean")
    assert "All runbooks with certain tags" not in text_of(ana.get(path_of(project, "/new")))
    make_tag_set("Schedule", "Nightly", scopes=["Runbook"])
    sent = _schedule(action="RunRunbook", places=live.public_id, which="tags")
    refused = ana.post(path_of(project, "/new"), sent)
    assert (refused.status_code, "RunbookId or RunbookTags" in text_of(refused)) == (400, True)
    # The runbook that was chosen before the other way was counts no more.
    sent |= {"runbook": runbook.public_id, "runbook_tags": "Schedule/Nightly"}
    assert ana.post(path_of(project, "/new"), sent).status_code == 302
    row = only(project)
    assert (row.action["RunbookId"], row.action["RunbookTags"]) == (None, ["Schedule/Nightly"])
    shown = text_of(ana.get(path_of(project, f"/{row.public_id}")))
    assert "Run the runbooks tagged Schedule/Nightly in Live" in shown
    form = ana.get(path_of(project, f"/{row.public_id}/edit")).content.decode()
    assert 'value="Schedule/Nightly" checked' in form


def test_nobody_names_an_environment_that_they_do_not_see_but_keeps_one_that_is_there() -> None:
    project, seen, user = make_project("Web"), make_environment("Seen"), make_user()
    nightly = _nightly(project)
    give_role(user, "userroles-projectlead", default_space(), {"environment": [seen.public_id]})
    keeper = as_person(user)
    path = f"/api/Spaces-1/projecttriggers/{nightly.public_id}"
    stored = keeper.api.get(path).json()
    hidden = stored["Action"]["EnvironmentId"]

    def sent(**changed: Any) -> int:
        answer = keeper.api.put(path, stored | changed, content_type="application/json")
        return int(answer.status_code)

    assert sent(Name="Kept") == 200
    assert sent(Action=stored["Action"] | {"EnvironmentId": seen.public_id}) == 200
    assert sent(Action=stored["Action"] | {"EnvironmentId": hidden}) == 400

"""Tag sets for runbooks over the REST API: projects.md 11.1 and 13.5."""

from typing import Any

import pytest

from tests.deployments.calls import S, send
from tests.factories import make_ana
from tests.factories.automation import make_trigger
from tests.factories.domain import make_environment, make_project
from tests.factories.runbooks import make_runbook
from tests.factories.tenants import make_tag_set, make_tenant

pytestmark = pytest.mark.django_db


def said(answer: tuple[int, Any]) -> str:
    status, body = answer
    assert status == 400
    return " ".join([body["ErrorMessage"], *body.get("Errors", [])])


def test_a_set_is_for_tenants_unless_it_says_otherwise() -> None:
    ana = make_ana()
    body = {"Name": "Schedule", "Tags": [{"Name": "Nightly"}]}
    created = send(ana, "post", f"{S}/tagsets", body)[1]
    assert created["Scopes"] == ["Tenant"]
    path = f"{S}/tagsets/{created['Id']}"
    both = send(ana, "put", path, {**created, "Scopes": ["tenant", "Runbook"]})[1]
    assert both["Scopes"] == ["Tenant", "Runbook"]
    del both["Scopes"]
    # Older clients know no scopes and take none away.
    assert send(ana, "put", path, both)[1]["Scopes"] == ["Tenant", "Runbook"]
    make_tag_set("Ring")
    make_tag_set("Kind", scopes=["Runbook"])

    def names(scopes: str) -> list[str]:
        return [row["Name"] for row in send(ana, "get", f"{S}/tagsets/all?scopes={scopes}")[1]]

    assert names("Tenant") == ["Schedule", "Ring"]
    assert names("runbook") == ["Schedule", "Kind"]
    assert names("Tenant,Runbook") == ["Schedule", "Ring", "Kind"]
    assert names("Environment") == []


def test_a_runbook_carries_tags_that_are_for_runbooks() -> None:
    ana, project = make_ana(), make_project("Web")
    make_tag_set("Schedule", "Nightly", "Weekly", scopes=["Runbook"])
    make_tag_set("Level", "High", "Low", kind="SingleSelect", scopes=["Runbook"])
    make_tag_set("Ring")
    path = f"{S}/runbooks/{make_runbook(project, 'Clean').public_id}"
    body = {"Name": "Clean", "RunbookTags": ["schedule/nightly", "Level/Low"]}
    status, changed = send(ana, "put", path, body)
    assert (status, changed["RunbookTags"]) == (200, ["Schedule/Nightly", "Level/Low"])
    assert send(ana, "get", path)[1]["RunbookTags"] == ["Schedule/Nightly", "Level/Low"]
    wrong = {**body, "RunbookTags": ["Ring/Alpha", "Schedule/Hourly"]}
    assert "no tag 'Ring/Alpha' for runbooks" in said(send(ana, "put", path, wrong))
    wrong = {**body, "RunbookTags": ["Level/Low", "Level/High"]}
    assert "one tag of the set 'Level'" in said(send(ana, "put", path, wrong))
    tenant = {"Name": "Acme", "TenantTags": ["Schedule/Nightly"]}
    assert "no tag 'Schedule/Nightly'" in said(send(ana, "post", f"{S}/tenants", tenant))


def test_a_tag_that_a_runbook_or_a_trigger_names_stays() -> None:
    ana, project = make_ana(), make_project("Web")
    tag_set = make_tag_set("Schedule", "Nightly", "Weekly", scopes=["Tenant", "Runbook"])
    path = f"{S}/tagsets/{tag_set.public_id}"
    make_runbook(project, "Clean", RunbookTags=["Schedule/Nightly", "Schedule/Weekly"])
    action = {
        "ActionType": "RunRunbook",
        "RunbookTags": ["Schedule/Nightly"],
        "EnvironmentIds": [make_environment().public_id],
    }
    schedule = {
        "FilterType": "OnceDailySchedule",
        "StartTime": "2026-01-01T02:30",
        "Timezone": "UTC",
    }
    make_trigger(project, schedule, action, name="Every night")
    body = send(ana, "get", path)[1]
    error = said(send(ana, "put", path, {**body, "Tags": body["Tags"][1:]}))
    assert "the runbook 'Clean' of Web, the trigger 'Every night' of Web" in error
    error = said(send(ana, "put", path, {**body, "Scopes": ["Tenant"]}))
    assert "cannot be taken away from runbooks" in error
    error = said(send(ana, "put", path, {**body, "Type": "SingleSelect"}))
    assert "A runbook carries several tags" in error
    make_tenant("Acme", "Schedule/Weekly")
    error = said(send(ana, "put", path, {**body, "Scopes": ["Runbook"]}))
    assert "cannot be taken away from tenants because it is used by the tenant 'Acme'" in error


def test_a_tenant_tag_that_a_trigger_names_stays() -> None:
    ana, project = make_ana(), make_project("Web")
    tag_set = make_tag_set("Ring")
    make_tenant("Acme", "Ring/Beta")
    action = {
        "ActionType": "DeployLatestRelease",
        "TenantTags": ["Ring/Alpha"],
        "DestinationEnvironmentId": make_environment().public_id,
    }
    schedule = {
        "FilterType": "OnceDailySchedule",
        "StartTime": "2026-01-01T02:30",
        "Timezone": "UTC",
    }
    make_trigger(project, schedule, action, name="Every night")
    path = f"{S}/tagsets/{tag_set.public_id}"
    body = send(ana, "get", path)[1]
    error = said(send(ana, "put", path, {**body, "Tags": body["Tags"][1:]}))
    assert "the trigger 'Every night' of Web" in error

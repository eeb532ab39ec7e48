"""The pages of triggers that follow another project or a Git repository, and their documents."""

from typing import Any

import pytest

from deployments.base.clock import utc_now
from deployments.projects.models import WatchedRepository
from tests.deployments.projects.web.trigger_pages import only, path_of
from tests.factories import default_space, make_ana
from tests.factories.domain import make_environment, make_project
from tests.factories.people import as_person, give_role, make_user
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db


def test_a_trigger_follows_another_project() -> None:
    project, source, place = make_project("Web"), make_project("Api"), make_environment("Live")
    ana = Visitor(make_ana())
    form = text_of(ana.get(path_of(project, "/new"), {"kind": "project"}))
    assert "Api" in form
    sent = {
        "kind": "project",
        "name": "After Api",
        "source_project": source.public_id,
        "happening": "DeploymentSucceeded",
        "environments": [place.public_id],
        "action": "DeployLatestRelease",
        "destination": place.public_id,
    }
    refused = ana.post(path_of(project, "/new"), {**sent, "source_project": ""})
    assert (refused.status_code, "Choose the project to follow" in text_of(refused)) == (400, True)
    assert ana.post(path_of(project, "/new"), sent).status_code == 302
    row = only(project)
    assert row.filter == {
        "FilterType": "ProjectFilter",
        "SourceProjectId": source.public_id,
        "EventCategory": "DeploymentSucceeded",
        "EnvironmentIds": [place.public_id],
    }
    shown = text_of(ana.get(path_of(project, f"/{row.public_id}")))
    assert "Api is deployed successfully to Live" in shown
    form = ana.get(path_of(project, f"/{row.public_id}/edit")).content.decode()
    assert f'<option value="{source.public_id}" selected>Api</option>' in form
    # Environments of the other choice are hidden, and not meant.
    created = {**sent, "happening": "ReleaseCreated", "action": "CreateRelease"}
    assert ana.post(path_of(project, f"/{row.public_id}/edit"), created).status_code == 302
    assert only(project).filter["EnvironmentIds"] == []
    assert "A release of Api is created" in text_of(ana.get(path_of(project)))
    eve = make_user("eve")
    give_role(eve, "userroles-projectlead", default_space(), {"project": [project.public_id]})
    hidden = text_of(Visitor(as_person(eve)).get(path_of(project)))
    assert "A release of Api" not in hidden
    assert f"A release of {source.public_id} is created" in hidden


def test_a_trigger_watches_a_repository() -> None:
    project, ana = make_project(), Visitor(make_ana())
    sent = {
        "kind": "git",
        "name": "Config",
        "uri": "https://git.example.com/acme/config.git",
        "branches": "main, release/*",
        "tag_names": "v*",
        "username": "ana",
        "password": "correct horse",
        "action": "CreateRelease",
    }
    refused = ana.post(path_of(project, "/new"), {**sent, "uri": "git@example.com:config"})
    assert (refused.status_code, "must begin with https://" in text_of(refused)) == (400, True)
    assert "correct horse" not in refused.content.decode()
    assert ana.post(path_of(project, "/new"), sent).status_code == 302
    row = only(project)
    assert (row.filter["Branches"], row.filter["Tags"]) == (["main", "release/*"], ["v*"])
    page, form = path_of(project, f"/{row.public_id}"), path_of(project, f"/{row.public_id}/edit")
    assert "It has not been looked at yet." in text_of(ana.get(page))
    WatchedRepository.objects.update(
        seen={"refs/heads/main": "a" * 40}, looked=utc_now(), problem="git.example.com is away"
    )
    shown = text_of(ana.get(page))
    for text in ("git.example.com is away", "main", "a" * 10, "branches main, release/*"):
        assert text in shown
    edit = ana.get(form).content.decode()
    assert ("correct horse" in edit, "Remove the stored one" in edit) == (False, True)
    assert ana.post(form, {**sent, "name": "Kept", "password": ""}).status_code == 302
    assert WatchedRepository.objects.get().sealed_password is not None
    due = WatchedRepository.objects.get().due
    assert ana.post(f"{page}/look").status_code == 302
    assert WatchedRepository.objects.get().due >= due
    assert ana.post(form, {**sent, "password": "", "no_password": "on"}).status_code == 302
    assert WatchedRepository.objects.get().sealed_password is None


def test_clients_see_what_they_know_and_no_password() -> None:
    project, source, ana = make_project("Web"), make_project("Api"), make_ana()
    path, create = "/api/Spaces-1/projecttriggers", {"ActionType": "CreateRelease"}

    def made(name: str, **watched: Any) -> Any:
        body = {"Name": name, "ProjectId": project.public_id, "Filter": watched, "Action": create}
        return ana.api.post(path, body, content_type="application/json")

    def listed(query: str = "") -> list[str]:
        return [item["Name"] for item in ana.api.get(f"{path}{query}").json()["Items"]]

    git = {"FilterType": "GitFilter", "RepositoryUri": "https://git.test/a", "Branches": ["main"]}
    secret = {"HasValue": True, "NewValue": "correct horse"}
    stored = made("Config", **git, Username="ana", Password=secret).json()
    assert stored["Filter"]["Password"] == {"HasValue": True, "NewValue": None}
    assert stored["Filter"]["Sources"] == []
    assert "correct horse" not in ana.api.get(path).content.decode()
    again = ana.api.put(f"{path}/{stored['Id']}", stored, content_type="application/json")
    assert again.json()["Filter"] == stored["Filter"]
    stored["Filter"]["Password"] = {"HasValue": False, "NewValue": None}
    again = ana.api.put(f"{path}/{stored['Id']}", stored, content_type="application/json")
    assert again.json()["Filter"]["Password"]["HasValue"] is False
    assert made("Bad", **git, Password=7).json()["Errors"] == ["A text is expected."]
    after = made("After", FilterType="ProjectFilter", SourceProjectId=source.public_id)
    assert after.status_code == 201
    assert listed() == ["Config"]
    assert listed("?filterTypes=ProjectFilter") == ["After"]
    assert listed(f"?ids={after.json()['Id']}") == ["After"]
    wrong = ana.api.get(f"{path}?filterTypes=Sunrise")
    assert wrong.status_code == 400
    assert "'Sunrise' is not one of" in wrong.json()["Errors"][0]

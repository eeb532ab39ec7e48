"""Tenants and tag sets over the REST API."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.base.models import Event
from deployments.library.services import VariableInput
from deployments.library.tenancy import Tenancy
from tests.deployments.calls import S, send
from tests.factories import Person, default_space, give_role, make_ana, make_cleo, make_user
from tests.factories.domain import (
    make_environment,
    make_lifecycle,
    make_machine,
    make_project,
    make_variables,
    script_step,
)
from tests.factories.people import as_person
from tests.factories.tenants import connect, make_tag_set, make_tenant, make_tenanted_project

pytestmark = pytest.mark.django_db

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


def _tags(ana: Person) -> Any:
    body = {
        "Name": "Ring",
        "Description": "Who comes first",
        "Tags": [{"Name": "Alpha", "Color": "#FF0000"}, {"Name": "Beta"}],
    }
    return send(ana, "post", f"{S}/tagsets", body)


def test_life_of_a_tag_set() -> None:
    ana = make_ana()
    status, created = _tags(ana)
    assert status == 201
    assert (created["Type"], created["Scopes"]) == ("MultiSelect", ["Tenant"])
    assert [(tag["CanonicalTagName"], tag["SortOrder"]) for tag in created["Tags"]] == [
        ("Ring/Alpha", 0),
        ("Ring/Beta", 1),
    ]
    alpha, beta = created["Tags"]
    body = {**created, "Tags": [{**beta, "Name": "Alpha"}, {**alpha, "Name": "Beta"}]}
    status, changed = send(ana, "put", f"{S}/tagsets/{created['Id']}", body)
    assert status == 200
    assert [(tag["Id"], tag["Name"]) for tag in changed["Tags"]] == [
        (beta["Id"], "Alpha"),
        (alpha["Id"], "Beta"),
    ]
    first, second = changed["Tags"]
    numbered = [{**first, "SortOrder": 7}, {**second, "SortOrder": 3}]
    _, sorted_ = send(ana, "put", f"{S}/tagsets/{created['Id']}", {**changed, "Tags": numbered})
    assert [tag["Name"] for tag in sorted_["Tags"]] == ["Beta", "Alpha"]
    assert [tag["SortOrder"] for tag in sorted_["Tags"]] == [0, 1]
    assert send(ana, "get", f"{S}/tagsets?scopes=Environment")[1]["TotalResults"] == 0
    assert send(ana, "get", f"{S}/tagsets?scopes=Tenant")[1]["TotalResults"] == 1
    assert len(send(ana, "get", f"{S}/tagsets/all")[1]) == 1
    assert send(ana, "delete", f"{S}/tagsets/{created['Id']}") == (200, {})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"Name": "a/b"}, "may not contain a slash"),
        ({"Tags": [{"Name": "x"}, {"Name": "X"}]}, "several tags 'x'"),
        ({"Tags": [{"Name": "x", "Color": "red"}]}, "#RRGGBB"),
        ({"Tags": [{"Name": ""}]}, "needs 1 to"),
        ({"Tags": ["x"]}, "object"),
        ({"Tags": [{"Name": 7}]}, "must be a text"),
        ({"Tags": [{"Name": "x", "SortOrder": "1"}]}, "must be a number"),
        ({"Scopes": ["Project"]}, "some of Tenant, Runbook"),
        ({"Type": "FreeText"}, "must be one of"),
    ],
)
def test_a_wrong_tag_set_is_refused(change: dict[str, Any], says: str) -> None:
    status, error = send(make_ana(), "post", f"{S}/tagsets", {"Name": "Ring", **change})
    assert status == 400
    assert says in " ".join([error["ErrorMessage"], *error.get("Errors", [])])


def test_a_tag_in_use_can_neither_go_nor_be_renamed() -> None:
    ana = make_ana()
    environment = make_environment()
    _, created = _tags(ana)
    path = f"{S}/tagsets/{created['Id']}"
    without = {**created, "Tags": created["Tags"][1:]}
    renamed = {**created, "Tags": [{**created["Tags"][0], "Name": "Gamma"}, created["Tags"][1]]}
    project = make_project("Web", steps=[script_step(TenantTags=["Ring/Alpha"])])
    assert "the step 'Say hello' of Web" in str(send(ana, "put", path, without)[1])
    assert "cannot be renamed" in str(send(ana, "put", path, renamed)[1])
    make_variables(project, VariableInput("Db", "x", scope={"TenantTag": ["ring/alpha"]}))
    make_machine(environment, name="web-1", tenancy=Tenancy("", (), ("Ring/Alpha",)))
    error = str(send(ana, "put", path, without)[1])
    assert "the variable 'Db'" in error
    assert "the deployment target 'web-1'" in error
    assert send(ana, "put", path, {**created, "Name": "Wave"})[0] == 400
    make_tenant("Acme", "Ring/Beta")
    error = str(send(ana, "put", path, {**created, "Tags": created["Tags"][:1]})[1])
    assert "the tenant 'Acme'" in error
    assert send(ana, "delete", path)[0] == 400


def test_tag_sets_are_put_in_order() -> None:
    ana = make_ana()
    ring, region = make_tag_set("Ring"), make_tag_set("Region")
    ids = [region.public_id, ring.public_id]
    status, rows = send(ana, "put", f"{S}/tagsets/sortorder", ids)
    assert (status, [row["Name"] for row in rows]) == (200, ["Region", "Ring"])
    assert send(ana, "put", f"{S}/tagsets/sortorder", ids[:1])[0] == 400
    assert send(ana, "put", f"{S}/tagsets/sortorder", {"a": 1})[0] == 400
    body = {"Name": "Size", "SortOrder": 2**40}
    assert send(ana, "post", f"{S}/tagsets", body)[0] == 400


def test_life_of_a_tenant() -> None:
    ana = make_ana()
    make_tag_set("Ring")
    dev, other = make_environment("Dev"), make_environment("Other")
    project = make_tenanted_project("Web", lifecycle=make_lifecycle(dev))
    body = {
        "Name": "Acme",
        "TenantTags": ["ring/alpha"],
        "ProjectEnvironments": {project.public_id: [dev.public_id]},
        "SpaceId": "",
        "Slug": "",
        "ClonedFromTenantId": "",
    }
    status, created = send(ana, "post", f"{S}/tenants", body)
    assert status == 201
    assert created["TenantTags"] == ["Ring/Alpha"]
    assert created["ProjectEnvironments"] == {project.public_id: [dev.public_id]}
    path = f"{S}/tenants/{created['Id']}"
    assert created["Links"]["Self"] == path
    assert send(ana, "get", f"{S}/tenants/acme")[1] == created
    # What an absent list means is settled by the wire: empty.
    status, changed = send(ana, "put", path, {"Name": "Acme Ltd", "IsDisabled": True})
    assert (status, changed["TenantTags"], changed["ProjectEnvironments"]) == (200, [], {})
    assert changed["IsDisabled"]
    wrong = {"Name": "Acme", "ProjectEnvironments": {project.public_id: [other.public_id]}}
    status, error = send(ana, "put", path, wrong)
    assert (status, "do not have the environment Other" in str(error)) == (400, True)
    wrong = {"Name": "Acme", "TenantTags": ["Ring/Gamma"]}
    assert "no tag 'Ring/Gamma'" in str(send(ana, "put", path, wrong)[1])
    assert send(ana, "post", f"{S}/tenants", {"Name": "acme LTD"})[0] == 400
    assert send(ana, "delete", path) == (200, {})
    assert send(ana, "get", path)[0] == 404
    events = Event.objects.filter(subject_id=created["Id"]).values_list("category", flat=True)
    assert sorted(events) == ["Created", "Deleted", "Modified"]


def test_a_project_that_is_not_for_tenants_takes_none() -> None:
    ana = make_ana()
    dev = make_environment("Dev")
    project = make_project("Web", lifecycle=make_lifecycle(dev))
    body = {"Name": "Acme", "ProjectEnvironments": {project.public_id: [dev.public_id]}}
    status, error = send(ana, "post", f"{S}/tenants", body)
    assert (status, "not deployed for tenants" in str(error)) == (400, True)
    assert send(ana, "get", f"{S}/tenants")[1]["TotalResults"] == 0


def test_a_single_select_set_gives_one_tag() -> None:
    make_tag_set("Ring", kind="SingleSelect")
    body = {"Name": "Acme", "TenantTags": ["Ring/Alpha", "Ring/Beta"]}
    status, error = send(make_ana(), "post", f"{S}/tenants", body)
    assert (status, "one tag of the set 'Ring'" in str(error)) == (400, True)


def test_tenants_are_filtered_and_read_with_a_constant_number_of_queries() -> None:
    ana = make_ana()
    make_tag_set("Ring")
    make_tag_set("Region", "North", "South")
    dev = make_environment("Dev")
    project = make_tenanted_project("Web", lifecycle=make_lifecycle(dev))
    make_tenant("Acme", "Ring/Alpha", "Region/North", connections={project: [dev]})
    make_tenant("Beta", "Ring/Beta", "Region/North")

    def names(query: str) -> list[str]:
        return [row["Name"] for row in send(ana, "get", f"{S}/tenants/all?{query}")[1]]

    assert names("tags=Ring/Alpha,Ring/Beta,Region/North") == ["Acme", "Beta"]
    assert names("tags=Ring/Beta,Region/South") == []
    assert names("tags=Ring/Beta") == ["Beta"]
    assert names(f"projectId={project.public_id}") == ["Acme"]
    assert names("name=bet") == ["Beta"]
    with CaptureQueriesContext(connection) as few:
        send(ana, "get", f"{S}/tenants")
    for number in range(5):
        make_tenant(f"More {number}", "Ring/Alpha", connections={project: [dev]})
    with CaptureQueriesContext(connection) as many:
        send(ana, "get", f"{S}/tenants")
    assert len(many) == len(few)


def test_a_clone_has_tags_and_connections() -> None:
    ana = make_ana()
    make_tag_set("Ring")
    dev = make_environment("Dev")
    project = make_tenanted_project("Web", lifecycle=make_lifecycle(dev))
    acme = make_tenant("Acme", "Ring/Alpha", connections={project: [dev]})
    status, clone = send(
        ana, "post", f"{S}/tenants?clone={acme.public_id}", {"Name": "Beta", "Description": "b"}
    )
    assert status == 201
    assert clone["ClonedFromTenantId"] == acme.public_id
    assert clone["TenantTags"] == ["Ring/Alpha"]
    assert clone["ProjectEnvironments"] == {project.public_id: [dev.public_id]}
    assert send(ana, "post", f"{S}/tenants?clone=Tenants-999999999", {"Name": "C"})[0] == 404


def test_pictures_are_pictures_by_their_bytes() -> None:
    ana = make_ana()
    path = f"{S}/tenants/{make_tenant('Acme').public_id}/logo"
    assert send(ana, "get", path)[0] == 404
    file = SimpleUploadedFile("logo.png", PNG, content_type="text/html")
    assert ana.api.post(path, {"file": file}).status_code == 200
    answer = ana.api.get(path)
    assert (answer.content, answer["Content-Type"]) == (PNG, "image/png")
    script = SimpleUploadedFile("logo.png", b"<svg onload=x>", content_type="image/png")
    assert ana.api.post(path, {"file": script}).status_code == 400
    large = SimpleUploadedFile("logo.png", PNG + b"\0" * (256 * 1024))
    assert ana.api.post(path, {"file": large}).status_code == 400


def test_tag_test_and_status() -> None:
    ana = make_ana()
    assert send(ana, "get", f"{S}/tenants/status")[1] == {"Enabled": False}
    make_tag_set("Ring")
    acme = make_tenant("Acme", "Ring/Alpha")
    assert send(ana, "get", f"{S}/tenants/status")[1] == {"Enabled": True}
    found = send(ana, "get", f"{S}/tenants/tag-test?tags=Ring/Beta&tenantIds={acme.public_id}")[1]
    assert found[acme.public_id]["IsMatched"] is False
    assert found[acme.public_id]["MissingTags"] == ["Ring/Beta"]


def _limited(role: str, **scopes: list[str]) -> Person:
    user = make_user()
    give_role(user, role, default_space(), scopes)
    return as_person(user)


def test_a_role_limited_to_tenants_shows_and_changes_those_only() -> None:
    make_tag_set("Ring")
    acme, beta = make_tenant("Acme", "Ring/Alpha"), make_tenant("Beta", "Ring/Beta")
    by_name = _limited("userroles-tenantmanager", tenant=[acme.public_id])
    by_tag = _limited("userroles-tenantmanager", tenant_tag=["Ring/Beta"])
    for person, mine, other in ((by_name, acme, beta), (by_tag, beta, acme)):
        assert [row["Name"] for row in send(person, "get", f"{S}/tenants/all")[1]] == [mine.name]
        assert send(person, "get", f"{S}/tenants/{other.public_id}")[0] == 404
        body = {"Name": mine.name, "Description": "changed"}
        assert send(person, "put", f"{S}/tenants/{mine.public_id}", body)[0] == 200
        assert send(person, "delete", f"{S}/tenants/{other.public_id}")[0] == 404
        assert send(person, "post", f"{S}/tenants", {"Name": "New"})[0] == 403


def test_connections_that_are_out_of_sight_stay() -> None:
    dev, prod = make_environment("Dev"), make_environment("Prod")
    lifecycle = make_lifecycle(dev, prod)
    seen = make_tenanted_project("Seen", lifecycle=lifecycle)
    hidden = make_tenanted_project("Hidden", lifecycle=lifecycle)
    acme = make_tenant("Acme", connections={seen: [dev], hidden: [dev]})
    user = make_user()
    give_role(user, "userroles-tenantmanager", default_space())
    give_role(user, "userroles-projectviewer", default_space(), {"project": [seen.public_id]})
    person = as_person(user)
    path = f"{S}/tenants/{acme.public_id}"
    assert list(send(person, "get", path)[1]["ProjectEnvironments"]) == [seen.public_id]
    assert send(person, "put", path, {"Name": "Acme"})[1]["ProjectEnvironments"] == {}
    stored = send(make_ana(), "get", path)[1]["ProjectEnvironments"]
    assert stored == {hidden.public_id: [dev.public_id]}


def test_who_only_looks_changes_nothing() -> None:
    cleo = make_cleo(default_space())
    acme = make_tenant("Acme")
    tag_set = make_tag_set()
    assert send(cleo, "get", f"{S}/tenants/{acme.public_id}")[0] == 200
    for method, path in (
        ("put", f"tenants/{acme.public_id}"),
        ("delete", f"tenants/{acme.public_id}"),
        ("post", f"tenants/{acme.public_id}/logo"),
        ("post", "tenants"),
        ("post", "tagsets"),
        ("put", f"tagsets/{tag_set.public_id}"),
        ("put", "tagsets/sortorder"),
        ("delete", f"tagsets/{tag_set.public_id}"),
    ):
        assert send(cleo, method, f"{S}/{path}", {"Name": "x"})[0] == 403, path


def test_an_environment_with_tenants_stays() -> None:
    ana = make_ana()
    dev = make_environment("Dev")
    project = make_tenanted_project("Web")
    connect(make_tenant("Acme"), project, dev)
    status, error = send(ana, "delete", f"{S}/environments/{dev.public_id}")
    assert (status, "connections of tenants" in str(error)) == (400, True)


def test_targets_serve_tenants() -> None:
    ana = make_ana()
    make_tag_set("Ring")
    acme = make_tenant("Acme")
    dev = make_environment("Dev")
    body = {"Name": "web-1", "EnvironmentIds": [dev.public_id], "Roles": ["web"]}
    status, created = send(ana, "post", f"{S}/machines", {**body, "TenantIds": [acme.public_id]})
    assert status == 201
    assert created["TenantedDeploymentParticipation"] == "Tenanted"
    path = f"{S}/machines/{created['Id']}"
    both = {**created, "TenantedDeploymentParticipation": "TenantedOrUntenanted"}
    _, changed = send(ana, "put", path, {**both, "TenantTags": ["ring/beta"]})
    assert changed["TenantIds"] == [acme.public_id]
    assert changed["TenantTags"] == ["Ring/Beta"]
    assert send(ana, "get", f"{S}/machines?tenantIds={acme.public_id}")[1]["TotalResults"] == 1
    assert send(ana, "get", f"{S}/machines?tenantTags=Ring/Alpha")[1]["TotalResults"] == 0
    for wrong in ({"TenantIds": ["Tenants-999999999"]}, {"TenantTags": ["Ring/X"]}):
        assert send(ana, "put", path, {**both, **wrong})[0] == 400
    never = {**both, "TenantedDeploymentParticipation": "Never"}
    assert "must be one of" in str(send(ana, "put", path, never)[1])


def test_a_role_keeps_its_tags_when_a_client_does_not_know_them() -> None:
    ana = make_ana()
    make_tag_set("Ring")
    user = make_user()
    row = give_role(
        user, "userroles-tenantmanager", default_space(), {"tenant_tag": ["Ring/Alpha"]}
    )
    path = f"/api/scopeduserroles/{row.public_id}"
    stored = send(ana, "get", path)[1]
    assert stored["TenantTags"] == ["Ring/Alpha"]
    without = {name: value for name, value in stored.items() if name != "TenantTags"}
    assert send(ana, "put", path, without)[1]["TenantTags"] == ["Ring/Alpha"]
    assert send(ana, "put", path, {**stored, "TenantTags": ["Ring"]})[0] == 400
    assert send(ana, "put", path, {**stored, "TenantTags": []})[1]["TenantTags"] == []


def test_targets_of_several_tenants_are_listed_once_for_a_limited_role() -> None:
    dev = make_environment("Dev")
    acme, beta, gamma = (make_tenant(name) for name in ("Acme", "Beta", "Gamma"))
    for name, tenants in {
        "both": [acme.public_id, beta.public_id],
        "third": [gamma.public_id],
        "plain": [],
    }.items():
        make_machine(dev, name=name, tenancy=Tenancy(tenants=tenants))
    person = _limited("userroles-environmentmanager", tenant=[acme.public_id])
    listed = send(person, "get", f"{S}/machines/all")[1]
    assert [row["Name"] for row in listed] == ["both", "plain"]
    path = f"{S}/machines/{listed[0]['Id']}"
    # Whoever changes it must be allowed for all the tenants that it serves.
    assert send(person, "put", path, listed[0])[0] == 403

"""OIDC identities of service accounts over REST: by whom, and what is refused."""

from typing import Any

import pytest

from deployments.access.models import OidcIdentity
from deployments.base.models import Event
from tests.deployments.calls import send
from tests.factories import default_space, give_role, make_ana, make_cleo, make_user
from tests.factories.people import as_person

pytestmark = pytest.mark.django_db
BODY = {
    "Name": "GitHub",
    "Issuer": "https://token.actions.githubusercontent.com",
    "Subject": "repo:acme/web:*",
}


def test_they_are_made_read_changed_and_deleted() -> None:
    ana, robot = make_ana(), make_user("robot", is_service=True)
    base = f"/api/serviceaccounts/{robot.public_id}/oidcidentities"
    status, made = send(ana, "post", f"{base}/create/v1", {**BODY, "ServiceAccountId": "x"})
    assert status == 201
    assert {**made, "Id": "", "Links": {}, "Created": ""} == {
        **BODY,
        "Id": "",
        "Links": {},
        "ServiceAccountId": robot.public_id,
        "Audience": "",
        "Created": "",
        "LastUsed": None,
    }
    own = made["Links"]["Self"]
    assert send(ana, "get", own) == (200, made)
    status, listed = send(ana, "get", f"{base}/v1?skip=0&take=5")
    assert (status, listed["OidcIdentities"], listed["Count"]) == (200, [made], 1)
    assert listed["Items"] == [made]
    assert listed["ExternalId"] == str(robot.external_id)
    assert listed["ServerUrl"] == "http://127.0.0.1:8080"
    changed = {**BODY, "Name": "Main only", "Audience": "api://octopus"}
    assert send(ana, "put", own, changed)[1]["Audience"] == "api://octopus"
    assert send(ana, "delete", own)[0] == 200
    assert send(ana, "get", own)[0] == 404
    events = Event.objects.filter(subject_id=made["Id"]).order_by("pk")
    assert [event.category for event in events] == ["Created", "Modified", "Deleted"]
    assert {"property": "Name", "before": "GitHub", "after": "Main only"} in events[1].changes


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"Name": ""}, "Name"),
        ({"Name": "x" * 201}, "Name"),
        ({"Issuer": "http://token.example"}, "Issuer"),
        ({"Issuer": "file:///etc/passwd"}, "Issuer"),
        ({"Issuer": "https://"}, "Issuer"),
        ({"Issuer": "https://a:b@token.example"}, "Issuer"),
        ({"Issuer": "https://token.example?x=1"}, "Issuer"),
        ({"Issuer": "https://token.example:99999"}, "Issuer"),
        ({"Issuer": "https://token .example"}, "Issuer"),
        ({"Issuer": "http://127.0.0.1:1"}, "Issuer"),
        ({"Subject": ""}, "Subject"),
        ({"Subject": "*"}, "Subject"),
        ({"Subject": "?*"}, "Subject"),
        ({"Subject": "a\u0000b"}, "Subject"),
        ({"Audience": "x" * 501}, "Audience"),
    ],
)
def test_nonsense_is_refused_by_field(change: dict[str, Any], field: str) -> None:
    robot = make_user(is_service=True)
    base = f"/api/serviceaccounts/{robot.public_id}/oidcidentities"
    status, body = send(make_ana(), "post", f"{base}/create/v1", {**BODY, **change})
    assert (status, list(body["Details"])) == (400, [field])
    assert not OidcIdentity.objects.exists()


def test_only_service_accounts_have_them_and_each_once() -> None:
    ana, robot = make_ana(), make_user(is_service=True)
    path = f"/api/serviceaccounts/{robot.public_id}/oidcidentities/create/v1"
    assert send(ana, "post", path, BODY)[0] == 201
    assert "has this identity already" in str(send(ana, "post", path, BODY))
    person = f"/api/serviceaccounts/{ana.user.public_id}/oidcidentities"
    assert send(ana, "post", f"{person}/create/v1", BODY)[0] == 404
    other = make_user(is_service=True)
    mine = OidcIdentity.objects.get().public_id
    theirs = f"/api/serviceaccounts/{other.public_id}/oidcidentities/{mine}/v1"
    assert send(ana, "get", theirs)[0] == 404
    assert send(ana, "delete", theirs)[0] == 404


def test_who_edits_users_may_but_not_make_a_way_into_an_administrator() -> None:
    make_ana()
    cleo, manager = make_cleo(default_space()), make_user("max")
    give_role(manager, "userroles-systemmanager", None)
    max_ = as_person(manager)
    robot, root = make_user(is_service=True), make_user(is_service=True)
    give_role(root, "userroles-systemadministrator", None)
    own = f"/api/serviceaccounts/{robot.public_id}/oidcidentities"
    assert send(cleo, "get", f"{own}/v1")[0] == 403
    assert send(cleo, "post", f"{own}/create/v1", BODY)[0] == 403
    assert send(max_, "post", f"{own}/create/v1", BODY)[0] == 201
    powerful = f"/api/serviceaccounts/{root.public_id}/oidcidentities/create/v1"
    status, body = send(max_, "post", powerful, BODY)
    assert (status, "AdministerSystem" in body["ErrorMessage"]) == (403, True)

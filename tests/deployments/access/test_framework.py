"""The grammar of the API, seen on spaces, roles and events."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from deployments.base.models import Space
from tests.factories import default_space, make_ana, make_cleo, make_dan, make_space
from tests.factories.domain import make_environment

pytestmark = pytest.mark.django_db

JSON = "application/json"


def test_the_envelope_and_its_links() -> None:
    answer = make_ana().api.get("/api/userroles?Take=5&partialname=e&SKIP=5")
    body = answer.json()
    assert set(body) == {
        *("ItemType", "TotalResults", "ItemsPerPage", "NumberOfPages", "LastPageNumber"),
        *("Items", "Links"),
    }
    assert (body["ItemType"], body["ItemsPerPage"], len(body["Items"])) == ("UserRole", 5, 5)
    assert body["NumberOfPages"] == body["LastPageNumber"] + 1 == -(-body["TotalResults"] // 5)
    assert body["Links"]["Page.Next"] == "/api/userroles?skip=10&take=5&partialname=e"
    assert body["Links"]["Template"] == "/api/userroles{?skip,take,ids,partialName}"


def test_everything_has_no_next_page() -> None:
    body = make_ana().api.get("/api/userroles?take=2147483647").json()
    assert len(body["Items"]) == body["TotalResults"] == 19
    assert "Page.Next" not in body["Links"]
    assert make_dan(make_space()).api.get("/api/userroles").json()["ItemsPerPage"] == 30


def test_exact_names_come_first() -> None:
    ana = make_ana()
    for name in ("A web", "Web", "web2"):
        body = {"Name": name, "SpaceManagersTeamMembers": [ana.user.public_id]}
        assert ana.api.post("/api/spaces", body, JSON).status_code == 201
    names = [row["Name"] for row in ana.api.get("/api/spaces?partialName=web").json()["Items"]]
    assert names == ["Web", "A web", "web2"]


def test_ids_come_joined_or_repeated_and_unknown_ones_are_skipped() -> None:
    ana, other = make_ana(), make_space()
    ids = [default_space().public_id, other.public_id]
    for query in (f"ids={ids[0]},{ids[1]},Spaces-999999999,x", f"ids={ids[0]}&ids={ids[1]}"):
        items = ana.api.get(f"/api/spaces?{query}").json()["Items"]
        assert {row["Id"] for row in items} == set(ids)
    assert isinstance(ana.api.get("/api/spaces/all").json(), list)


@pytest.mark.parametrize("query", ["skip=-1", "take=x", "skip=99999999999999999999"])
def test_numbers_that_are_none_are_refused(query: str) -> None:
    answer = make_ana().api.get(f"/api/spaces?{query}")
    assert answer.status_code == 400


@pytest.mark.parametrize("path", ["/api/Spaces", "/API/spaces/ALL", "/api/users/ME"])
def test_paths_ignore_case(path: str) -> None:
    assert make_ana().api.get(path).status_code == 200


def test_a_resource_has_three_paths() -> None:
    ana, space = make_ana(), default_space().public_id
    for path in (f"/api/{space}/teams", f"/api/spaces/{space.lower()}/teams", "/api/teams"):
        assert ana.api.get(path).json()["TotalResults"] == 4


@pytest.mark.parametrize(
    "path", ["/api/nope", "/api/Spaces-1/nope/x", "/api/spaces/Spaces-999999999"]
)
def test_what_is_not_there_is_404_json_without_errors(path: str) -> None:
    answer = make_ana().api.get(path)
    assert answer.status_code == 404
    assert set(answer.json()) == {"ErrorMessage"}


def test_a_wrong_method_is_405_json() -> None:
    answer = make_ana().api.put("/api/users/me", {}, JSON)
    assert (answer.status_code, set(answer.json())) == (405, {"ErrorMessage"})


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b'"x"'])
def test_a_body_that_is_no_object_is_400(body: bytes) -> None:
    answer = make_ana().api.post("/api/userroles", body, JSON)
    assert answer.status_code == 400
    assert answer.json()["Errors"]


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", JSON])
def test_bodies_are_json_whatever_they_say(kind: str) -> None:
    raw = b'{"nAmE":"Readers","unknown":1,"GrantedSpacePermissions":null,"Links":{}}'
    answer = make_ana().api.post("/api/userroles", raw, kind)
    assert answer.status_code == 201, answer.content
    assert answer.json()["GrantedSpacePermissions"] == []


def test_a_method_may_come_in_a_header_and_delete_answers_200() -> None:
    ana = make_ana()
    made = ana.api.post("/api/userroles", {"Name": "Readers"}, JSON).json()
    path = f"/api/userroles/{made['Id']}"
    put = {"X-HTTP-Method-Override": "PUT"}
    answer = ana.api.post(path, made | {"Name": "Writers"}, JSON, headers=put)
    assert (answer.status_code, answer.json()["Name"]) == (200, "Writers")
    delete = {"X-HTTP-Method-Override": "DELETE"}
    assert ana.api.post(path, headers=delete).status_code == 200
    assert ana.api.get(path).status_code == 404


def test_every_error_of_a_body_is_told_with_its_field() -> None:
    body = {"Name": "", "GrantedSpacePermissions": [["x"]]}
    answer = make_ana().api.post("/api/userroles", body, JSON).json()
    assert answer["Errors"][0] == "Name is required."
    assert set(answer["Details"]) == {"Name", "GrantedSpacePermissions.0"}


def test_names_of_rows_are_unique() -> None:
    ana = make_ana()
    body = {"Name": "default", "SpaceManagersTeamMembers": [ana.user.public_id]}
    answer = ana.api.post("/api/spaces", body, JSON)
    assert answer.json()["Errors"] == ["A space with the name 'default' already exists."]


def test_a_new_space_has_managers_and_can_go_when_its_queue_is_stopped() -> None:
    ana = make_ana()
    assert ana.api.post("/api/spaces", {"Name": "Web"}, JSON).status_code == 400
    body = {"Name": "Web", "SpaceManagersTeamMembers": [ana.user.public_id]}
    made = ana.api.post("/api/spaces", body, JSON).json()
    assert made["SpaceManagersTeams"] == [f"teams-spacemanagers-{made['Id']}"]
    path = f"/api/spaces/{made['Slug']}"
    assert ana.api.delete(path).status_code == 400
    stopped = made | {"TaskQueueStopped": True}
    assert ana.api.put(f"/api/spaces/{made['Id']}", stopped, JSON).status_code == 200
    assert ana.api.delete(path).status_code == 200
    assert Space.objects.filter(name="Web").count() == 0
    assert ana.api.delete(f"/api/spaces/{default_space().public_id}").status_code == 400


def test_people_see_the_spaces_where_they_have_something_to_do() -> None:
    other = make_space()
    cleo, dan = make_cleo(default_space()), make_dan(other)
    for person, space in ((cleo, default_space()), (dan, other)):
        assert [row["Id"] for row in person.api.get("/api/spaces/all").json()] == [space.public_id]
    assert dan.api.get(f"/api/{default_space().public_id}").status_code == 404
    assert dan.api.get(f"/api/{other.public_id}").status_code == 200


def test_viewers_are_refused_by_name_of_the_permission() -> None:
    answer = make_cleo(default_space()).api.post("/api/spaces", {"Name": "X"}, JSON)
    assert answer.status_code == 403
    assert "SpaceCreate" in answer.json()["ErrorMessage"]
    assert set(answer.json()) == {"ErrorMessage"}


def test_lists_take_few_queries_whatever_their_length() -> None:
    ana = make_ana()
    counts: list[int] = []
    for _ in range(2):
        for number in range(3):
            body = {"Name": f"T{len(counts)}{number}", "SpaceId": default_space().public_id}
            assert ana.api.post("/api/teams", body, JSON).status_code == 201
        client = ana.api
        client.get("/api/teams")
        with CaptureQueriesContext(connection) as queries:
            client.get("/api/teams")
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 15


def test_spaces_take_as_many_queries_as_one() -> None:
    ana, counts = make_ana(), []
    client = ana.api
    for _ in range(2):
        make_space()
        client.get("/api/spaces/all")
        with CaptureQueriesContext(connection) as queries:
            client.get("/api/spaces/all")
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 10


def test_events_show_what_happened_to_those_who_may_see_it() -> None:
    ana, cleo = make_ana(), make_cleo(default_space())
    dan = make_dan(make_space())
    ana.api.post("/api/teams", {"Name": "Web", "SpaceId": default_space().public_id}, JSON)
    newest = ana.api.get("/api/events").json()["Items"][0]
    assert newest["Message"] == "Team Web was created"
    assert newest["Username"] == "ana"
    assert newest["IdentityEstablishedWith"].startswith("ApiKey API-")
    assert newest["Occurred"].endswith("+00:00")
    assert newest["ChangeDetails"]["Differences"]
    subject = newest["ChangeDetails"]["DocumentContext"]
    found = cleo.api.get(f"/api/events?regarding={subject}").json()["Items"]
    assert [event["Id"] for event in found] == [newest["Id"]]
    assert dan.api.get(f"/api/events?regarding={subject}").json()["Items"] == []
    assert dan.api.get(f"/api/events/{newest['Id']}").status_code == 404


def test_space_teams_stay_in_their_space_and_hold_only_its_roles() -> None:
    other = make_space()
    dan, ana, staging = make_dan(other), make_ana(), make_environment(space=other).public_id
    made = dan.api.post("/api/teams", {"Name": "Mine", "SpaceId": other.public_id}, JSON)
    assert made.status_code == 201
    body = {
        "TeamId": made.json()["Id"],
        "UserRoleId": "userroles-projectviewer",
        "SpaceId": other.public_id,
        "EnvironmentIds": [staging],
    }
    role = dan.api.post("/api/scopeduserroles", body, JSON)
    assert role.status_code == 201, role.content
    assert role.json()["EnvironmentIds"] == [staging]
    body |= {"SpaceId": default_space().public_id, "EnvironmentIds": []}
    assert dan.api.post("/api/scopeduserroles", body, JSON).status_code == 404
    assert ana.api.post("/api/scopeduserroles", body, JSON).status_code == 400
    system = body | {"UserRoleId": "userroles-systemadministrator", "SpaceId": None}
    assert dan.api.post("/api/scopeduserroles", system, JSON).status_code == 400
    administrators = {"Name": "Octopus Administrators", "MemberUserIds": [dan.user.public_id]}
    answer = dan.api.put("/api/teams/teams-administrators", administrators, JSON)
    assert answer.status_code == 403


def test_built_in_roles_do_not_change() -> None:
    ana = make_ana()
    path = "/api/userroles/userroles-projectviewer"
    body = ana.api.get(path).json() | {"GrantedSpacePermissions": []}
    assert ana.api.put(path, body, JSON).status_code == 400
    assert ana.api.delete(path).status_code == 400


def test_the_last_administrator_stays() -> None:
    ana = make_ana()
    path = "/api/teams/teams-administrators"
    body = ana.api.get(path).json() | {"MemberUserIds": []}
    assert ana.api.put(path, body, JSON).status_code == 400


def test_anonymous_paths_are_few() -> None:
    client = Client()
    for path in ("/api", "/api/", "/api/serverstatus/health", "/api/authentication"):
        assert client.get(path).status_code == 200
    for path in ("/api/spaces", "/api/users/me", "/api/capabilities", "/api/Spaces-1"):
        assert client.get(path).status_code == 401

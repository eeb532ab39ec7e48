"""Users, sessions and API keys over HTTP."""

from typing import Any

import pytest
from django.test import Client

from deployments.access.actors import actor_of
from deployments.access.models import ApiKey, User
from deployments.access.services.users import change_password, update_user
from deployments.access.signing_in.throttle import canonical
from deployments.base.errors import Invalid
from tests.factories import default_space, make_ana, make_cleo, make_user
from tests.factories.people import PASSWORD
from tests.support.portal import Visitor

pytestmark = pytest.mark.django_db

JSON = "application/json"


def sign_in(username: str, password: str = PASSWORD) -> Client:
    client = Client()
    body = {"username": username, "PASSWORD": password}
    answer = client.post("/api/users/login", body, JSON)
    assert answer.status_code == 200, answer.content
    return client


def test_me_answers_the_user_in_pascal_case() -> None:
    body = make_ana().api.get("/api/users/me").json()
    assert body["Username"] == "ana"
    assert body["IsRequestor"] is True
    assert "Password" not in body
    assert body["Links"]["ApiKeys"] == f"/api/users/{body['Id']}/apikeys{{/id}}{{?skip,take}}"


@pytest.mark.parametrize(
    "headers",
    [{"X-Octopus-ApiKey": "{}"}, {"X-NuGet-ApiKey": "{}"}, {"Authorization": "Bearer {}"}],
)
def test_keys_come_in_several_headers(headers: dict[str, str]) -> None:
    key = make_ana().api_key
    sent = {name: text.format(key) for name, text in headers.items()}
    assert Client(headers=sent).get("/api/users/me").status_code == 200


def test_a_key_comes_in_the_query_ignoring_case() -> None:
    assert Client().get(f"/api/users/me?ApiKey={make_ana().api_key}").status_code == 200


def test_nobody_and_wrong_keys_get_401() -> None:
    assert Client().get("/api/users/me").status_code == 401
    answer = Client(headers={"X-Octopus-ApiKey": "API-WRONG"}).get("/api/users/me")
    assert answer.status_code == 401
    assert set(answer.json()) == {"ErrorMessage"}


def test_a_wrong_key_never_falls_back_to_the_session() -> None:
    make_ana()
    client = sign_in("ana")
    answer = client.get("/api/users/me", headers={"X-Octopus-ApiKey": "API-WRONG"})
    assert answer.status_code == 401


def test_an_empty_key_header_counts_as_none() -> None:
    make_ana()
    client = sign_in("ANA")
    assert client.get("/api/users/me", headers={"X-Octopus-ApiKey": ""}).status_code == 200


def test_a_new_key_is_shown_once_and_stored_hashed() -> None:
    ana = make_ana()
    path = f"/api/users/{ana.user.public_id}/apikeys"
    created = ana.api.post(path, {"Purpose": "build"}, JSON)
    assert created.status_code == 201
    key = created.json()["ApiKey"]
    assert key.startswith("API-")
    assert key.isascii()
    assert key.removeprefix("API-").isalnum()
    assert key.upper() == key
    listed = ana.api.get(path).json()["Items"]
    assert listed[0]["ApiKey"] == {"HasValue": True, "NewValue": None, "Hint": key[:8]}
    stored = ApiKey.objects.get(purpose="build")
    assert key not in str(stored.__dict__)
    client = Client(headers={"X-Octopus-ApiKey": key})
    assert client.get("/api/users/me").status_code == 200
    assert client.delete(f"{path}/{created.json()['Id']}").status_code == 200
    assert client.get("/api/users/me").status_code == 401


def test_a_key_does_not_outlive_the_key_it_was_made_with() -> None:
    ana = make_ana()
    path = f"/api/users/{ana.user.public_id}/apikeys"
    long = {"Purpose": "long", "Expires": "2027-12-01T00:00:00Z"}
    ana.api.post(path, long, JSON)
    first, second = ApiKey.objects.order_by("pk")
    assert first.expires is not None
    assert second.expires is not None
    assert second.expires <= first.expires


def test_nobody_makes_keys_for_other_people() -> None:
    ana = make_ana()
    other = make_user()
    answer = ana.api.post(f"/api/users/{other.public_id}/apikeys", {"Purpose": "x"}, JSON)
    assert answer.status_code == 403
    service = make_user(is_service=True)
    answer = ana.api.post(f"/api/users/{service.public_id}/apikeys", {"Purpose": "x"}, JSON)
    assert answer.status_code == 201


def test_a_deactivated_users_key_stops_at_once() -> None:
    ana, cleo = make_ana(), make_cleo(default_space())
    path = f"/api/users/{cleo.user.public_id}"
    body = ana.api.get(path).json() | {"IsActive": False}
    assert ana.api.put(path, body, JSON).status_code == 200
    assert cleo.api.get("/api/users/me").status_code == 401


def test_signing_in_sets_two_cookies_and_writes_need_the_token() -> None:
    make_ana()
    client = sign_in("Ana")
    names = [name for name in client.cookies if name.startswith("Octopus-Csrf-Token")]
    assert names == ["Octopus-Csrf-Token"]
    token = client.cookies["Octopus-Csrf-Token"].value
    session = client.cookies["OctopusIdentificationToken"]
    assert session["httponly"]
    body = {"Name": "Readers"}
    assert client.post("/api/userroles", body, JSON).status_code == 403
    stolen = {"X-Octopus-Csrf-Token": session.value}
    assert client.post("/api/userroles", body, JSON, headers=stolen).status_code == 403
    good = {"X-Octopus-Csrf-Token": token}
    assert client.post("/api/userroles", body, JSON, headers=good).status_code == 201
    assert client.post("/api/users/logout", headers=good).status_code == 200
    assert client.get("/api/users/me").status_code == 401


def test_a_token_of_another_session_is_refused() -> None:
    make_ana()
    first, second = sign_in("ana"), sign_in("ana")
    token = second.cookies["Octopus-Csrf-Token"].value
    answer = first.post(
        "/api/userroles", {"Name": "X"}, JSON, headers={"X-Octopus-Csrf-Token": token}
    )
    assert answer.status_code == 403


def test_another_site_cannot_sign_somebody_in() -> None:
    make_ana()
    answer = Client().post(
        "/api/users/login",
        {"Username": "ana", "Password": PASSWORD},
        JSON,
        headers={"Sec-Fetch-Site": "cross-site"},
    )
    assert answer.status_code == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_key_in_the_query_does_not_let_another_site_send_forms(site: str) -> None:
    """Any site writes `?apikey=x` into a form; some pages use the session whoever the actor is."""
    ana = make_ana()
    headers = {"Sec-Fetch-Site": site}
    fields = {"username": "ana", "password": PASSWORD}
    nobody = Client()
    assert nobody.post("/app/sign-in?apikey=x", fields, headers=headers).status_code == 403
    client = sign_in("ana")
    assert client.post("/app/sign-out?apikey=x").status_code == 403  # as over plain HTTP
    assert client.post("/app/sign-out?apikey=x", headers=headers).status_code == 403
    assert client.get("/api/users/me").status_code == 200
    path = f"/api/userroles?apikey={ana.api_key}"
    assert Client().post(path, {"Name": "Readers"}, JSON).status_code == 201


def test_every_failure_to_sign_in_looks_the_same() -> None:
    make_ana()
    answers = [
        Client().post("/api/users/login", {"Username": name, "Password": "nope"}, JSON).json()
        for name in ("ana", "nobody")
    ]
    assert answers[0] == answers[1]
    assert answers[0]["Errors"] == ["Invalid username or password."]


@pytest.mark.parametrize("spelling", ["ANA", " ana", "a\u200bna", "\uff41na"])
def test_guessing_is_slowed_down_however_the_name_is_spelled(spelling: str) -> None:
    make_ana()
    bodies: list[dict[str, Any]] = [{"Username": "ana", "Password": "no"}] * 9
    for body in [*bodies, {"Username": spelling, "Password": "no"}]:
        Client().post("/api/users/login", body, JSON)
    good = {"Username": "ana", "Password": PASSWORD}
    answer = Client().post("/api/users/login", good, JSON)
    assert answer.status_code == 400
    assert "Too many" in answer.json()["Errors"][0]


def test_a_name_with_a_null_character_is_the_same_name() -> None:
    assert canonical("A\u0000na") == "ana"


def test_changing_the_password_ends_sessions() -> None:
    ana, user = make_ana(), make_user("eve")
    client = sign_in("eve")
    path = f"/api/users/{user.public_id}"
    body = ana.api.get(path).json() | {"Password": " Another 8 good one "}
    assert ana.api.put(path, body, JSON).status_code == 200
    assert client.get("/api/users/me").status_code == 401
    sign_in("eve", " Another 8 good one ")


def test_nobody_sets_their_own_password_without_the_current_one() -> None:
    ana = make_ana()
    path = f"/api/users/{ana.user.public_id}"
    body = ana.api.get(path).json() | {"Password": "Now it is mine 7"}
    answer = ana.api.put(path, body, JSON)
    assert answer.status_code == 400
    assert answer.json()["Errors"] == ["Change your own password under Account, Signing in."]
    page = f"administration/users/{ana.user.public_id}"
    fields = {"display_name": "Ana", "password": "Now it is mine 7", "is_active": "on"}
    assert Visitor(ana).post(page, fields).status_code == 400
    sign_in("ana")


def test_what_changed_meanwhile_is_not_undone() -> None:
    ana, user = make_ana(), make_user("eve")
    stale = User.objects.get(pk=user.pk)
    user = update_user(
        actor=ana.actor, user=user, display_name="Eve", password="Another 8 good one"
    )
    update_user(actor=ana.actor, user=user, display_name="Eve", is_active=False)
    own = actor_of(stale, "Session")
    update_user(actor=own, user=stale, display_name="Eva", email="eva@example.com")
    row = User.objects.get(pk=user.pk)
    assert (row.display_name, row.email, row.is_active) == ("Eva", "eva@example.com", False)
    assert row.check_password("Another 8 good one")


@pytest.mark.parametrize("change", [{"password": "Another 8 good one"}, {"is_active": False}])
def test_a_password_is_not_changed_by_one_that_went_meanwhile(change: dict[str, Any]) -> None:
    ana, user = make_ana(), make_user("eve")
    stale = User.objects.get(pk=user.pk)
    update_user(actor=ana.actor, user=user, display_name="Eve", **change)
    own = actor_of(stale, "Session")
    with pytest.raises(Invalid, match="changed meanwhile"):
        change_password(actor=own, user=stale, current=PASSWORD, password="Now it is mine 7")
    assert not User.objects.get(pk=user.pk).check_password("Now it is mine 7")


def test_all_errors_of_a_new_user_come_at_once() -> None:
    answer = make_ana().api.post("/api/users", {"Username": "a b", "Password": "short"}, JSON)
    assert answer.status_code == 400
    body = answer.json()
    assert body["ErrorMessage"] == "There was a problem with your request."
    assert list(body["Details"]) == ["Username"]


def test_usernames_are_unique_ignoring_case() -> None:
    ana = make_ana()
    answer = ana.api.post("/api/users", {"Username": "ANA", "DisplayName": "A"}, JSON)
    assert answer.status_code == 400
    assert answer.json()["Errors"] == ["A user with the username 'ANA' already exists."]


def test_viewers_do_not_create_users() -> None:
    cleo = make_cleo(default_space())
    answer = cleo.api.post("/api/users", {"Username": "eve"}, JSON)
    assert answer.status_code == 403
    assert "UserEdit" in answer.json()["ErrorMessage"]


def test_a_manager_cannot_take_an_administrators_password() -> None:
    ana = make_ana()
    manager = make_user("manager")
    from deployments.access.services.users import add_to_team  # noqa: PLC0415 needs Django's set-up
    from tests.factories.people import as_person  # noqa: PLC0415 needs Django's set-up

    add_to_team(user=manager, built_in_id="teams-managers")
    path = f"/api/users/{ana.user.public_id}"
    body = ana.api.get(path).json() | {"Password": "Now it is mine 7"}
    answer = as_person(manager).api.put(path, body, JSON)
    assert answer.status_code == 403
    assert "AdministerSystem" in answer.json()["ErrorMessage"]


def test_permissions_tell_where_they_hold() -> None:
    cleo = make_cleo(default_space())
    body = cleo.api.get(f"/api/users/{cleo.user.public_id}/permissions").json()
    assert body["IsPermissionsComplete"] is True
    assert body["SpacePermissions"]["ProjectView"][0]["SpaceId"] == default_space().public_id
    assert "ProjectEdit" not in body["SpacePermissions"]

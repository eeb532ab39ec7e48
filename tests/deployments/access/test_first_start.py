"""What a new server has, and its first administrator."""

import io
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.test import Client

from deployments.access.built_in_roles import BUILT_IN_ROLES
from deployments.access.models import Team, User, UserRole
from deployments.access.services.first_administrator import (
    create_administrator,
    create_first_administrator,
    link_lines,
)
from deployments.access.services.seeding import ADMINISTRATORS, seed_access
from deployments.access.spaces import visible_spaces
from deployments.base.actor import Actor
from deployments.base.errors import Invalid
from deployments.base.models import Event
from tests.factories import default_space, make_ana, make_space, make_user
from tests.factories.people import PASSWORD
from tests.support.portal import text_of

pytestmark = pytest.mark.django_db

KEY = "API-ABCDEFGHJKLMNPQRSTUVWXYZ23"
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
PAGE = "/app/first-administrator"
FIELDS = {"username": "root", "display_name": "Ruth", "email": "", "password": PASSWORD}


def test_the_first_administrator_signs_in_and_calls_with_the_given_key() -> None:
    environment = {
        "ADMIN_USERNAME": "root",
        "ADMIN_PASSWORD": "Correct horse 9 battery",
        "ADMIN_API_KEY": KEY,
        "ADMIN_EMAIL": "root@example.test",
    }
    assert create_first_administrator(environment) == ["The first administrator is root."]
    client = Client(headers={"X-Octopus-ApiKey": KEY})
    assert client.get("/api/users/me").json()["EmailAddress"] == "root@example.test"
    assert client.get(f"/api/{default_space().public_id}").status_code == 200
    assert create_first_administrator(environment | {"ADMIN_USERNAME": "more"}) == []
    assert User.objects.count() == 1


def test_a_generated_password_is_shown_once_and_works() -> None:
    lines = create_first_administrator({"ADMIN_USERNAME": "admin"})
    password = lines[1].partition(": ")[2]
    body = {"Username": "admin", "Password": password}
    assert Client().post("/api/users/login", body, "application/json").status_code == 200


def link() -> str:
    """Return the path of a new link."""
    return link_lines()[1].partition("//")[2].partition("/")[2].join(("/", ""))


def test_a_server_without_users_says_where_its_link_is() -> None:
    assert create_first_administrator({}) == []
    assert Client().get("/app/sign-in")["Location"] == PAGE
    answer = Client().get(PAGE)
    assert answer["Cache-Control"] == "no-store"
    assert "octopus-server migrate again" in text_of(answer)
    assert b"<form" not in answer.content


def test_the_link_makes_one_administrator_and_signs_in() -> None:
    address, ruth = link(), Client(REMOTE_ADDR="192.0.2.7")
    page = ruth.get(address)
    assert page["Cache-Control"] == "no-store"
    assert b'value="admin"' in page.content
    for wrong, told in (
        ({"password": "short"}, "too easy to guess"),
        ({"password": ""}, "A password is required"),
        ({"username": "a b"}, "1 to 64 characters"),
        ({"email": "x"}, "not a mail address"),
    ):
        refused = ruth.post(address, FIELDS | wrong)
        assert refused.status_code == 400
        assert told in text_of(refused)
        assert not User.objects.exists()
    assert ruth.post(address, FIELDS)["Location"] == "/app"
    assert ruth.get("/app/Spaces-1/administration/users").status_code == 200
    user = User.objects.get()
    assert set(user.teams.values_list("built_in_id", flat=True)) == {
        ADMINISTRATORS,
        "teams-spacemanagers-Spaces-1",
    }
    made = Event.objects.get(category="Created", message="User root was created")
    assert (made.actor_name, made.ip_address) == ("system", "192.0.2.7")
    for client in (Client(), ruth):
        assert client.get(address)["Location"] == "/app/sign-in"
        assert client.get(PAGE)["Location"] == "/app/sign-in"
        client.post(address, FIELDS | {"username": "mallory"})
    assert User.objects.get() == user
    assert link_lines() == []


@pytest.mark.parametrize("page", ["", "/app/join/eo4yPkW1rT7uXwd"])
def test_a_refused_form_puts_no_link_into_the_log(page: str) -> None:
    (handler,) = (each for each in logging.getLogger().handlers if each.name == "console")
    assert isinstance(handler, logging.StreamHandler)
    before, address = handler.setStream(told := io.StringIO()), page or link()
    try:
        assert Client().post(address, {"password": "short"}).status_code == 400
    finally:
        handler.setStream(before)
    assert told.getvalue().endswith(f"Bad Request: {address.rpartition('/')[0]}/…\n")


def test_no_other_link_makes_an_administrator() -> None:
    with time_machine.travel(NOON, tick=False):
        replaced, good = link(), link()
    for address, when in (
        (replaced, NOON),
        (f"{good}x", NOON),
        (f"{PAGE}/{'0' * 64}", NOON),
        (f"{PAGE}/ü%00", NOON),
        (good, NOON + timedelta(hours=24)),
    ):
        with time_machine.travel(when, tick=False):
            for answer in (Client().get(address), Client().post(address, FIELDS)):
                assert answer.status_code == 400
                assert "used, replaced by a newer one or older" in text_of(answer)
                assert b"<form" not in answer.content
    assert not User.objects.exists()
    with time_machine.travel(NOON + timedelta(hours=23), tick=False):
        assert Client().post(good, FIELDS).status_code == 302


def test_the_command_line_takes_the_link_away() -> None:
    address = link()
    user = create_administrator(username="second", password=PASSWORD)
    user.delete()
    assert "used, replaced" in text_of(Client().post(address, FIELDS))
    assert not User.objects.exists()


def test_a_malformed_key_is_refused_before_anybody_is_created() -> None:
    with pytest.raises(Invalid, match="ADMIN_API_KEY"):
        create_first_administrator({"ADMIN_API_KEY": "api-low"})
    assert not User.objects.exists()


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(f"{KEY}\n")
    create_first_administrator(
        {"ADMIN_API_KEY_FILE": str(path), "ADMIN_PASSWORD": "Good 9 pass word"}
    )
    client = Client(headers={"X-Octopus-ApiKey": KEY})
    assert client.get("/api/users/me").status_code == 200


def test_seeding_restores_built_in_roles_and_keeps_members() -> None:
    ana = make_ana()
    UserRole.objects.filter(built_in_id="userroles-projectviewer").update(space_permissions=[])
    seed_access()
    role = UserRole.objects.get(built_in_id="userroles-projectviewer")
    assert "ProjectView" in role.space_permissions
    assert UserRole.objects.count() == len(BUILT_IN_ROLES)
    assert list(Team.objects.get(built_in_id=ADMINISTRATORS).users.all()) == [ana.user]


def test_nobody_sees_no_space_even_where_a_team_has_no_members() -> None:
    make_space()
    anonymous = Actor(None, "anonymous", "Anonymous", "Session")
    assert not visible_spaces(anonymous).exists()
    user = make_user()
    assert not visible_spaces(Actor(user.pk, "x", "x", "Session")).exists()

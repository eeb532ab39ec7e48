"""What a new server has, and its first administrator."""

from pathlib import Path

import pytest
from django.test import Client

from deployments.access.built_in_roles import BUILT_IN_ROLES
from deployments.access.models import Team, User, UserRole
from deployments.access.services.first_administrator import create_first_administrator
from deployments.access.services.seeding import ADMINISTRATORS, seed_access
from deployments.access.spaces import visible_spaces
from deployments.base.actor import Actor
from deployments.base.errors import Invalid
from tests.factories import default_space, make_ana, make_space, make_user

pytestmark = pytest.mark.django_db

KEY = "API-ABCDEFGHJKLMNPQRSTUVWXYZ23"


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
    lines = create_first_administrator({})
    password = lines[1].partition(": ")[2]
    body = {"Username": "admin", "Password": password}
    assert Client().post("/api/users/login", body, "application/json").status_code == 200


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

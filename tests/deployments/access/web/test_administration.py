"""Users, teams and roles in the portal, by who asks."""

import pytest

from deployments.access.models import User
from tests.factories import default_space, make_ana, make_ben, make_cleo, make_dan, make_space
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db


def test_ana_creates_and_deactivates_a_user() -> None:
    ana = Visitor(make_ana())
    fields = {"username": "eve", "display_name": "Eve", "email": "", "password": "short"}
    refused = ana.post("administration/users/new", fields)
    assert refused.status_code == 400
    assert "too easy to guess" in text_of(refused)
    fields["password"] = "Correct horse 1 battery"
    assert ana.post("administration/users/new", fields).status_code == 302
    eve = User.objects.get(username="eve")
    sent = {"username": "eve", "display_name": "Eve", "email": "e@example.com"}
    ana.post(f"administration/users/{eve.public_id}", sent)
    eve.refresh_from_db()
    assert (eve.is_active, eve.email) == (False, "e@example.com")
    assert "Deactivated" in text_of(ana.get("administration/users", {"q": "ev"}))


def test_pages_follow_permissions() -> None:
    space = default_space()
    people = {
        "ana": Visitor(make_ana()),
        "ben": Visitor(make_ben(space)),
        "cleo": Visitor(make_cleo(space)),
        "dan": Visitor(make_dan(make_space())),
    }
    pages = ("administration/users/new", "administration/audit", "administration/teams")
    statuses = {
        name: [visitor.get(page).status_code for page in pages] for name, visitor in people.items()
    }
    assert statuses["ana"] == [200, 200, 200]
    assert statuses["ben"][0] == statuses["cleo"][0] == 403
    assert statuses["dan"] == [404, 404, 404]


def test_teams_and_roles_are_shown() -> None:
    make_ben(default_space())
    ana = Visitor(make_ana())
    assert "ben Project Deployer" in text_of(ana.get("administration/teams"))
    assert "Tenant Manager Manages tenants. 4 –" in text_of(ana.get("administration/roles"))
    viewer = text_of(ana.get("administration/roles/userroles-environmentviewer"))
    assert "MachineView See deployment targets" in viewer
    assert ana.get("administration")["Location"] == "/app/Spaces-1/administration/users"

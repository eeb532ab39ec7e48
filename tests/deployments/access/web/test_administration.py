"""Users, teams and roles in the portal, by who asks."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from deployments.access.models import ApiKey, User
from deployments.access.services.tidying import notice_keys
from deployments.base.models import Event
from tests.factories import (
    default_space,
    make_ana,
    make_ben,
    make_cleo,
    make_dan,
    make_space,
    make_user,
)
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


def test_users_are_found_by_text_kind_and_state() -> None:
    ana = Visitor(make_ana())
    eve, bot = make_user("eve"), make_user("bot", is_service=True)
    eve.email, eve.is_active = "e.smith@example.com", False
    eve.save()
    page = "administration/users"
    assert "eve" in text_of(ana.get(page, {"q": "SMITH"}))
    for query, shown in (
        ({"kind": "service"}, {"bot"}),
        ({"kind": "people"}, {"ana", "eve"}),
        ({"state": "deactivated"}, {"eve"}),
        ({"state": "active", "kind": "people"}, {"ana"}),
    ):
        content = ana.get(page, query).content.decode()
        found = {name for name in ("ana", "bot", "eve") if f">{name}</a></th>" in content}
        assert found == shown, query
    assert "Nobody has this name" in text_of(ana.get(page, {"q": "nobody"}))
    assert bot.is_service


def test_a_service_account_gets_its_keys_here_and_a_person_does_not() -> None:
    ana, eve = Visitor(make_ana()), make_user("eve")
    made = ana.post(
        "administration/users/new",
        {"kind": "service", "username": "ci", "display_name": "Build server", "email": ""},
    )
    ci = User.objects.get(username="ci")
    assert made["Location"].endswith(f"administration/users/{ci.public_id}")
    answer = ana.post(
        f"administration/users/{ci.public_id}/keys/new", {"purpose": "nightly", "days": "30"}
    )
    assert answer["Cache-Control"] == "no-store"
    found = re.search(rb"API-[A-Z0-9]{20,}", answer.content)
    assert found
    api = Client(headers={"X-Octopus-ApiKey": found[0].decode()})
    assert api.get("/api/users/me").json()["Username"] == "ci"
    key = ApiKey.objects.get(user=ci)
    ana.post(f"administration/users/{ci.public_id}/keys/{key.public_id}/revoke")
    assert api.get("/api/users/me").status_code == 401
    refused = ana.post(f"administration/users/{eve.public_id}/keys/new", {"purpose": "x"})
    assert refused.status_code == 403


def test_keys_that_end_are_told_of_once_for_each_notice() -> None:
    ana = make_ana()
    key = ApiKey.objects.get(user=ana.user)
    end = datetime(2026, 6, 1, tzinfo=UTC)
    ApiKey.objects.filter(pk=key.pk).update(expires=end)
    days = {21: 0, 20: 1, 19: 1, 10: 2, 9: 2, 0: 3, -1: 3}
    for before, told in days.items():
        notice_keys(now=end - timedelta(days=before))
        rows = Event.objects.filter(category__startswith="ApiKeyExpire")
        assert rows.count() == told, before
    newest = Event.objects.filter(category="ApiKeyExpired").get()
    assert newest.message == f"API key {key.hint}… of ana for tests has expired"

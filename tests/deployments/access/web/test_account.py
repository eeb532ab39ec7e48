"""One's own profile, theme, password and API keys."""

import re

import pytest
from django.test import Client

from deployments.access.models import ApiKey, User
from tests.factories import default_space, make_ana, make_cleo
from tests.factories.people import PASSWORD
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db


def test_the_profile_is_saved_or_refused_with_its_values() -> None:
    cleo = Visitor(make_cleo(default_space()))
    answer = cleo.post("/app/account", {"display_name": "", "email": "c@example.com"})
    assert answer.status_code == 400
    assert "DisplayName is required" in text_of(answer)
    assert b"c@example.com" in answer.content
    fields = {"display_name": "Cleo Pat", "email": "c@example.com"}
    assert cleo.post("/app/account", fields)["Location"] == "/app/account"
    assert "Your profile was saved." in text_of(cleo.get("/app/account"))
    assert User.objects.get(username="cleo").display_name == "Cleo Pat"


def test_the_theme_is_part_of_every_page() -> None:
    cleo = Visitor(make_cleo(default_space()))
    cleo.post("/app/account/theme", {"theme": "dark"})
    assert b'data-theme="dark"' in cleo.get("/app/account").content
    assert cleo.post("/app/account/theme", {"theme": "pink"}).status_code == 400


def test_a_new_password_needs_the_old_one_and_ends_other_sessions() -> None:
    person = make_cleo(default_space())
    here, elsewhere = Visitor(person), Visitor(person)
    wrong = here.post("/app/account/password", {"current": "no", "password": PASSWORD + "2"})
    assert "not your current password" in text_of(wrong)
    here.post("/app/account/password", {"current": PASSWORD, "password": PASSWORD + "2"})
    assert here.get("/app/account").status_code == 200
    assert elsewhere.get("/app/account").status_code == 302


def test_a_key_is_shown_once_works_and_can_be_revoked() -> None:
    person = make_cleo(default_space())
    cleo = Visitor(person)
    answer = cleo.post("/app/account/api-keys", {"purpose": "Build server", "days": "30"})
    found = re.search(rb"API-[A-Z0-9]{20,}", answer.content)
    assert found
    assert answer["Cache-Control"] == "no-store"
    key = found[0].decode()
    assert key not in cleo.get("/app/account/api-keys").content.decode()
    api = Client(headers={"X-Octopus-ApiKey": key})
    assert api.get("/api/users/me").status_code == 200
    row = ApiKey.objects.get(purpose="Build server")
    cleo.post(f"/app/account/api-keys/{row.public_id}/revoke")
    assert api.get("/api/users/me").status_code == 401


def test_nobody_revokes_the_key_of_another_here() -> None:
    make_ana()
    cleo = Visitor(make_cleo(default_space()))
    row = ApiKey.objects.filter(user__username="ana").get()
    assert cleo.post(f"/app/account/api-keys/{row.public_id}/revoke").status_code == 404
    assert ApiKey.objects.filter(pk=row.pk).exists()

"""Passkeys: adding one, signing in with it, and answers that must not count."""

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings as django_settings
from django.test import Client
from fido2.utils import websafe_encode

from deployments.access.models import ExternalLogin, IdentityProvider, Passkey, User
from deployments.access.signing_in import webauthn
from deployments.base.clock import utc_now
from deployments.base.models import Event
from tests.factories import Person, default_space, make_cleo, make_user
from tests.factories.people import PASSWORD, as_person
from tests.support.portal import Visitor, text_of
from tests.support.software_passkey import PRESENT, SoftwarePasskey

pytestmark = pytest.mark.django_db
ORIGIN = "https://octopus.example"
ACCOUNT = "/app/account/passkeys"
SIGN_IN = "/app/sign-in/passkey"
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def named_server(settings: Any) -> None:
    """Give the server an address at which browsers offer passkeys."""
    settings.OCTOPUS = dataclasses.replace(django_settings.OCTOPUS, server_url=ORIGIN)


@pytest.fixture
def cleo() -> Person:
    return make_cleo(default_space())


def passkey() -> SoftwarePasskey:
    return SoftwarePasskey(ORIGIN, "octopus.example")


def add(visitor: Visitor, key: SoftwarePasskey, name: str = "Laptop") -> Any:
    asked = visitor.post(f"{ACCOUNT}/options", {"name": name, "password": PASSWORD})
    assert asked.status_code == 200, asked.content
    return visitor.post(ACCOUNT, {"answer": key.create(asked.json()["options"])})


def question() -> tuple[Client, dict[str, Any]]:
    client = Client()
    return client, client.post(f"{SIGN_IN}/options").json()


def send(client: Client, asked: dict[str, Any], answer: str) -> Any:
    fields = {"answer": answer, "csrf_token": asked["csrf_token"], "next": "/app/account"}
    return client.post(SIGN_IN, fields)


def sign_in(key: SoftwarePasskey) -> Any:
    client, asked = question()
    return send(client, asked, key.get(asked["options"]))


def test_a_passkey_signs_in_without_a_password_and_ends_passwords_alone(cleo: Person) -> None:
    key, visitor = passkey(), Visitor(cleo)
    refused = visitor.post(f"{ACCOUNT}/options", {"name": "Laptop", "password": "no"})
    assert refused.json() == {"error": "This is not your current password."}
    assert add(visitor, key)["Location"] == "/app/account/security"
    assert "Laptop" in text_of(visitor.get("/app/account/security"))
    assert sign_in(key)["Location"] == "/app/account"
    assert sign_in(key).status_code == 302
    answer = Client().post("/app/sign-in", {"username": "cleo", "password": PASSWORD})
    assert answer["Location"] == "/app/sign-in/second"
    newest = Event.objects.filter(category="LoginSucceeded").order_by("-pk")[0]
    assert newest.message == "cleo signed in (passkey)"


def test_an_answer_counts_once_and_for_its_own_question(cleo: Person) -> None:
    key = passkey()
    add(Visitor(cleo), key)
    client, asked = question()
    answer = key.get(asked["options"])
    elsewhere, other = question()
    assert send(elsewhere, other, answer).status_code == 400
    assert send(client, asked, answer).status_code == 302
    client, asked = question()
    assert send(client, asked, answer).status_code == 400


def test_the_question_of_signing_in_adds_no_passkey(cleo: Person) -> None:
    """Signing in asks without a password, so a session that somebody found must not turn it."""
    visitor, key = Visitor(cleo), passkey()
    options = visitor.post(f"{SIGN_IN}/options").json()["options"]
    user = {"id": websafe_encode(cleo.user.public_id.encode())}
    answer = visitor.post(ACCOUNT, {"answer": key.create({**options, "user": user})})
    assert "This took too long" in text_of(answer)
    assert not Passkey.objects.exists()


def test_the_question_of_adding_signs_nobody_in(cleo: Person) -> None:
    visitor, key = Visitor(cleo), passkey()
    add(visitor, key)
    fields = {"name": "Phone", "password": PASSWORD}
    options = visitor.post(f"{ACCOUNT}/options", fields).json()["options"]
    assert visitor.post(SIGN_IN, {"answer": key.get(options)}).status_code == 400


def test_a_question_is_answered_within_minutes(cleo: Person) -> None:
    key = passkey()
    with time_machine.travel(NOON, tick=False) as clock:
        add(Visitor(cleo), key)
        client, asked = question()
        clock.shift(timedelta(minutes=5, seconds=1))
        assert send(client, asked, key.get(asked["options"])).status_code == 400
        client, asked = question()
        clock.shift(timedelta(minutes=5))
        assert send(client, asked, key.get(asked["options"])).status_code == 302


def test_wrong_answers_are_refused(cleo: Person) -> None:
    key = passkey()
    add(Visitor(cleo), key)
    changes: list[dict[str, Any]] = [
        {"origin": "https://octopus.example.evil.test"},
        {"origin": "http://octopus.example"},
        {"host": "evil.test"},
        {"flags": PRESENT},
        {"flags": 0},
        {"user_handle": b"Users-999999999"},
        {"key": passkey().key},
        {"credential_id": b"unknown"},
    ]
    for change in changes:
        kept = {name: getattr(key, name) for name in change}
        for name, value in change.items():
            setattr(key, name, value)
        assert sign_in(key).status_code == 400, change
        for name, value in kept.items():
            setattr(key, name, value)
    assert sign_in(key).status_code == 302


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"id": 1}', "[" * 9000, '{"id": "x"}'])
def test_nonsense_is_refused(text: str) -> None:
    client, asked = question()
    assert send(client, asked, text).status_code == 400


def test_a_copied_passkey_shows_by_its_counter(cleo: Person) -> None:
    key = passkey()
    add(Visitor(cleo), key)
    sign_in(key)
    key.count -= 1
    assert sign_in(key).status_code == 400
    event = Event.objects.filter(message__contains="seems to be a copy").get()
    assert event.subject_id == cleo.user.public_id


def test_a_deactivated_user_has_no_use_for_it(cleo: Person) -> None:
    key = passkey()
    add(Visitor(cleo), key)
    User.objects.filter(pk=cleo.user.pk).update(is_active=False)
    assert sign_in(key).status_code == 400


def test_one_is_removed_with_the_password_by_its_owner(cleo: Person) -> None:
    visitor, key = Visitor(cleo), passkey()
    add(visitor, key)
    row = Passkey.objects.get()
    path = f"{ACCOUNT}/{row.public_id}/remove"
    assert visitor.post(path, {"password": "no"}).status_code == 400
    assert visitor.post(path, {"password": PASSWORD}).status_code == 302
    assert sign_in(key).status_code == 400


@pytest.mark.parametrize(
    ("address", "possible"),
    [
        ("https://octopus.example", True),
        ("https://octopus.example:8443", True),
        ("http://localhost:8080", True),
        ("http://octopus.example", False),
        ("https://192.0.2.7", False),
        ("https://[2001:db8::1]", False),
    ],
)
def test_where_browsers_offer_passkeys(settings: Any, address: str, *, possible: bool) -> None:
    settings.OCTOPUS = dataclasses.replace(django_settings.OCTOPUS, server_url=address)
    assert webauthn.are_possible() is possible


def test_an_api_key_never_becomes_a_way_to_sign_in(cleo: Person) -> None:
    bot = as_person(make_user("bot", is_service=True))
    for person in (cleo, bot):
        fields = {"name": "x", "password": PASSWORD}
        refused = person.api.post(f"{ACCOUNT}/options", fields)
        assert refused.json() == {"error": "Sign in with a browser to change how you sign in."}
        assert person.api.post("/app/account/authenticator/begin", fields).status_code == 400
        path = f"/api/users/{person.user.public_id}"
        body = person.api.get(path).json() | {"Password": "Now it is mine 7"}
        assert person.api.put(path, body, "application/json").status_code in {400, 403}
    assert Visitor(cleo).get("/app/account").status_code == 200


def test_the_last_passkey_stays_with_who_has_no_other_way_in(cleo: Person) -> None:
    first, second, visitor = passkey(), passkey(), Visitor(cleo)
    for key in (first, second):
        add(visitor, key)
    user = cleo.user
    user.set_unusable_password()
    user.save()
    visitor = Visitor()
    visitor.client, asked = question()
    send(visitor.client, asked, first.get(asked["options"]))
    one, other = Passkey.objects.all()
    assert visitor.post(f"{ACCOUNT}/{one.public_id}/remove").status_code == 302
    provider = IdentityProvider.objects.create(name="Corporate", slug="corporate", is_enabled=False)
    now = utc_now()
    ExternalLogin.objects.create(user=user, provider=provider, created=now, last_used=now)
    refused = visitor.post(f"{ACCOUNT}/{other.public_id}/remove")
    assert (refused.status_code, "only way to sign in" in text_of(refused)) == (400, True)
    IdentityProvider.objects.update(is_enabled=True)
    assert visitor.post(f"{ACCOUNT}/{other.public_id}/remove").status_code == 302
    assert not Passkey.objects.exists()

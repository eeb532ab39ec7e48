"""A build server's token becomes an hour of access, and nothing else does."""

import json
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
import time_machine
from django.test import Client

from deployments.access.models import ApiKey, OidcIdentity, User
from deployments.access.providers.signing_keys import current_key, signing_keys
from deployments.access.services.federation.oidc_identities import (
    IdentityInput,
    create_oidc_identity,
    delete_oidc_identity,
    update_oidc_identity,
)
from deployments.access.services.maintenance import set_maintenance
from deployments.access.services.request_settings import set_allow_loopback
from deployments.base.clock import utc_now
from deployments.base.models import Event, ServerSetting
from deployments.base.settings_rows import swap_secret_setting
from tests.deployments.access.federation.issuer import Issuer
from tests.factories import SYSTEM, default_space, give_role, make_user

pytestmark = pytest.mark.django_db
HERE = "http://testserver"  # or the client takes what follows two slashes for a host
SUBJECT = "repo:acme/web:ref:refs/heads/main"
KIND = "application/json"
GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT = "urn:ietf:params:oauth:token-type:jwt"


def make_account(issuer: Issuer, subject: str = SUBJECT, audience: str = "") -> OidcIdentity:
    """Return an OIDC identity of a new service account that looks at the Default space."""
    user = make_user(is_service=True)
    give_role(user, "userroles-projectviewer", default_space())
    identity = IdentityInput("GitHub", issuer.url, subject, audience)
    return create_oidc_identity(actor=SYSTEM, user=user, identity=identity)


def token_for(issuer: Issuer, user: User, **claims: Any) -> str:
    return issuer.sign(**{"aud": str(user.external_id), "sub": SUBJECT, **claims})


def exchange(user: User | str, token: str, path: str = "/token/v1", **change: Any) -> Any:
    body = {
        "grant_type": GRANT,
        "audience": str(user.external_id) if isinstance(user, User) else user,
        "subject_token_type": JWT,
        "subject_token": token,
        **change,
    }
    return Client().post(path, json.dumps(body), content_type="application/json")


def get(path: str, token: str, **headers: str) -> Any:
    return Client(headers={"Authorization": f"Bearer {token}", **headers}).get(path)


@pytest.mark.parametrize("path", ["/token/v1", "/api/token/v1", f"{HERE}//token/v1"])
def test_the_flow_of_the_login_action(issuer: Issuer, path: str) -> None:
    user = make_account(issuer).user
    found = Client().get(f"{HERE}//.well-known/openid-configuration").json()
    assert found["issuer"] == "http://127.0.0.1:8080"
    assert found["token_endpoint"] == "http://127.0.0.1:8080/token/v1"
    assert found["jwks_uri"] == "http://127.0.0.1:8080/.well-known/jwks"
    answer = exchange(user, token_for(issuer, user), path)
    assert answer.status_code == 200
    assert {**answer.json(), "access_token": ""} == {
        "access_token": "",
        "issued_token_type": JWT,
        "token_type": "Bearer",
        "expires_in": 3600,
    }
    token = answer.json()["access_token"]
    assert get("/api/users/me", token).json()["Id"] == user.public_id
    assert get("/api/Spaces-1/projects", token).status_code == 200
    assert get("/api/spaces", token).json()["TotalResults"] == 1
    (keys,) = Client().get("/.well-known/jwks").json().values()
    claims = jwt.decode(token, jwt.PyJWK(keys[0]), audience=found["issuer"], algorithms=["ES256"])
    assert claims["sub"] == str(user.external_id)
    assert "d" not in keys[0]
    event = Event.objects.get(category="LoginSucceeded")
    assert (event.actor_id, event.authentication) == (user.public_id, "Token")
    assert "by the OIDC identity GitHub" in event.message


def test_build_servers_come_in_to_read_during_maintenance(issuer: Issuer) -> None:
    user = make_account(issuer).user
    set_maintenance(actor=SYSTEM, is_on=True)
    answer = exchange(user, token_for(issuer, user))
    assert answer.status_code == 200
    client = Client(headers={"Authorization": f"Bearer {answer.json()['access_token']}"})
    assert client.get("/api/Spaces-1/projects").status_code == 200
    assert client.post("/api/Spaces-1/projects", "{}", content_type=KIND).status_code == 503


def test_the_feed_takes_the_token_as_well(issuer: Issuer) -> None:
    user = make_account(issuer).user
    give_role(user, "userroles-packagepublisher", default_space())
    token = exchange(user, token_for(issuer, user)).json()["access_token"]
    path = "/nuget"
    assert Client().get(path).status_code == 401
    assert get(path, token).status_code == 200
    assert Client(headers={"X-NuGet-ApiKey": token}).get(path).status_code == 200
    assert get(path, f"{token}x").status_code in {401, 403}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, 200),
        ({"name": "Actions"}, 200),
        ({"subject": "repo:acme/web:ref:refs/heads/release"}, 401),
        ({"audience": "octopus"}, 401),
        ({"issuer": "https://token.example.com"}, 401),
    ],
)
def test_a_token_ends_when_its_identity_names_others(
    issuer: Issuer, change: dict[str, str], status: int
) -> None:
    row = make_account(issuer)
    token = exchange(row.user, token_for(issuer, row.user)).json()["access_token"]
    wanted = IdentityInput(row.name, row.issuer, row.subject, row.audience)
    update_oidc_identity(actor=SYSTEM, row=row, identity=replace(wanted, **change))
    assert get("/api/users/me", token).status_code == status


def test_a_form_is_read_as_oauth_says(issuer: Issuer) -> None:
    user = make_account(issuer).user
    form = {
        "grant_type": GRANT,
        "audience": str(user.external_id),
        "subject_token_type": JWT,
        "subject_token": token_for(issuer, user),
    }
    kind = "application/x-www-form-urlencoded"
    assert Client().post("/token/v1", urlencode(form), content_type=kind).status_code == 200
    assert Client().post("/token/v1", b"\xff=1", content_type=kind).status_code == 400


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"sub": "repo:acme/web:ref:refs/heads/evil"}, "has the subject 'repo:acme/web:ref:refs"),
        ({"aud": "somebody-else"}, "meant for another audience"),
        ({"exp": 1_000_000_000, "iat": 999_999_000}, "has expired"),
        ({"sub": ""}, "has no subject"),
    ],
)
def test_tokens_that_are_not_meant(issuer: Issuer, claims: dict[str, Any], reason: str) -> None:
    user = make_account(issuer).user
    answer = exchange(user, token_for(issuer, user, **claims))
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"
    assert reason in answer.json()["error_description"]
    assert answer.json()["Errors"] == [answer.json()["error_description"]]
    assert Event.objects.filter(category="LoginFailed", subject_id=user.public_id).count() == 1
    assert not OidcIdentity.objects.exclude(last_used=None).exists()


@pytest.mark.parametrize(
    "change",
    [
        {"grant_type": "password"},
        {"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"},
        {"subject_token": "x"},
        {"subject_token": 5},
        {"subject_token": None},
        {"audience": "Users-1"},
        {"audience": str(uuid.uuid4())},
    ],
)
def test_requests_that_are_no_exchange(issuer: Issuer, change: dict[str, Any]) -> None:
    user = make_account(issuer).user
    answer = exchange(user, token_for(issuer, user), **change)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert not issuer.asked  # nobody is asked for an anonymous visitor's sake


def test_an_issuer_that_nobody_entered_is_not_asked(issuer: Issuer) -> None:
    user = make_account(issuer).user
    answer = exchange(user, token_for(issuer, user, iss="http://127.0.0.1:1"))
    assert "no service account with an OIDC identity" in answer.json()["error_description"]
    for body in (b"", b"[]", b"{", b"\x00"):
        answer = Client().post("/token/v1", body, content_type="application/json")
        assert answer.status_code == 400
    assert not issuer.asked


def test_an_issuer_that_lies_about_its_name_is_refused(issuer: Issuer) -> None:
    user = make_account(issuer).user
    issuer.name = "https://accounts.example"
    answer = exchange(user, token_for(issuer, user))
    assert "calls itself 'https://accounts.example'" in answer.json()["error_description"]


def test_this_machine_is_not_asked_unless_allowed(issuer: Issuer) -> None:
    user = make_account(issuer).user
    set_allow_loopback(actor=SYSTEM, allowed=False)
    answer = exchange(user, token_for(issuer, user))
    assert "must begin with https" in answer.json()["error_description"]
    assert not issuer.asked


def test_new_keys_are_asked_for_once_a_minute(issuer: Issuer) -> None:
    user = make_account(issuer).user
    assert exchange(user, token_for(issuer, user)).status_code == 200
    issuer.rotate("second")
    assert exchange(user, token_for(issuer, user)).status_code == 200
    issuer.rotate("third")
    asked = len(issuer.asked)
    assert exchange(user, token_for(issuer, user)).status_code == 400
    assert len(issuer.asked) == asked


def test_wildcards_and_an_audience_of_ones_own(issuer: Issuer) -> None:
    user = make_account(issuer, "repo:acme/*:ref:refs/heads/main", "api://octopus").user
    assert exchange(user, token_for(issuer, user, aud="api://octopus")).status_code == 200
    assert exchange(user, token_for(issuer, user)).status_code == 400
    other = token_for(issuer, user, aud="api://octopus", sub="repo:evil/web:ref:refs/heads/main")
    assert exchange(user, other).status_code == 400


def test_the_token_ends_with_what_it_rests_on(issuer: Issuer) -> None:
    row = make_account(issuer)
    user = row.user
    token = exchange(user, token_for(issuer, user)).json()["access_token"]
    user.is_active = False
    user.save()
    assert get("/api/users/me", token).status_code == 401
    assert exchange(user, token_for(issuer, user)).status_code == 400
    user.is_active = True
    user.save()
    assert get("/api/users/me", token).status_code == 200
    with time_machine.travel(utc_now() + timedelta(minutes=62)):
        assert get("/api/users/me", token).status_code == 401
    delete_oidc_identity(actor=SYSTEM, row=row)
    assert get("/api/users/me", token).status_code == 401


def test_what_is_signed_elsewhere_or_for_another_end_opens_nothing(issuer: Issuer) -> None:
    row = make_account(issuer)
    user = row.user
    token = exchange(user, token_for(issuer, user)).json()["access_token"]
    assert get("/api/users/me", token_for(issuer, user)).status_code == 401
    claims = jwt.decode(token, options={"verify_signature": False})
    key = current_key()
    headers = {"kid": key.key_id}
    untyped = jwt.encode(claims, key.private, "ES256", headers)
    assert get("/api/users/me", untyped).status_code == 401
    for change in ({"sub": str(uuid.uuid4())}, {"identity": 0}, {"iss": "http://other"}):
        typed = {**headers, "typ": "at+jwt"}
        forged = jwt.encode({**claims, **change}, key.private, "ES256", typed)
        assert get("/api/users/me", forged).status_code == 401


def test_a_key_made_with_the_token_ends_with_it(issuer: Issuer) -> None:
    user = make_account(issuer).user
    token = exchange(user, token_for(issuer, user)).json()["access_token"]
    client = Client(headers={"Authorization": f"Bearer {token}"})
    path = f"/api/users/{user.public_id}/apikeys"
    assert client.post(path, '{"Purpose": "x"}', content_type="application/json").status_code == 201
    (key,) = ApiKey.objects.filter(user=user)
    assert key.expires
    assert key.expires <= utc_now() + timedelta(hours=1)


def test_a_key_that_another_process_made_meanwhile_is_kept(issuer: Issuer) -> None:
    key = current_key()
    assert not swap_secret_setting("access.token_keys", "[]", instead_of={})
    assert [each.key_id for each in signing_keys()] == [key.key_id]


def test_signing_keys_are_sealed_and_change(issuer: Issuer) -> None:
    user = make_account(issuer).user
    token = exchange(user, token_for(issuer, user)).json()["access_token"]
    stored = str(list(ServerSetting.objects.values_list("value", flat=True)))
    assert "PRIVATE KEY" not in stored
    first = current_key()
    second = current_key(clock=lambda: utc_now() + timedelta(days=91))
    assert [key.key_id for key in signing_keys()] == [second.key_id, first.key_id]
    assert get("/api/users/me", token).status_code == 200
    third = current_key(clock=lambda: utc_now() + timedelta(days=182))
    assert [key.key_id for key in signing_keys()] == [third.key_id, second.key_id]
    assert get("/api/users/me", token).status_code == 401

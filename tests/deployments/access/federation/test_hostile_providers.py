"""A provider that answers otherwise than it should lets nobody in."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from deployments.access.models import ExternalLogin, User
from deployments.access.services.federation.identity_providers import (
    ProviderInput,
    create_provider,
)
from tests.deployments.access.federation.issuer import Issuer
from tests.factories import SYSTEM
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db
BEGIN = "/app/sign-in/with/corporate"


class Hostile:
    """An issuer that people sign in at, and what it says to the one who does."""

    def __init__(self, issuer: Issuer) -> None:
        self.issuer = issuer
        self.claims: dict[str, Any] = {"aud": "octopus", "sub": "1", "preferred_username": "eve"}
        self.userinfo: tuple[int, Any] = (200, {"sub": "1"})
        issuer.more = {
            "authorization_endpoint": f"{issuer.url}/auth",
            "token_endpoint": f"{issuer.url}/token",
            "userinfo_endpoint": f"{issuer.url}/me",
        }
        wanted = ProviderInput("Corporate", issuer.url, "octopus", creates_users=True)
        create_provider(actor=SYSTEM, provider=wanted, secret="x")

    def sign_in(self, **tokens: Any) -> Any:
        """Return the answer to somebody who comes back with a code."""
        visitor = Visitor()
        begun = visitor.client.get(BEGIN)
        query = parse_qs(urlsplit(begun["Location"]).query)
        token = self.issuer.sign(**{"nonce": query["nonce"][0], **self.claims})
        self.issuer.pages.setdefault(
            "/token", (200, {"id_token": token, "access_token": "a", **tokens})
        )
        self.issuer.pages["/me"] = self.userinfo
        return visitor.client.get(f"{BEGIN}/done", {"state": query["state"][0], "code": "c"})


@pytest.fixture
def hostile(issuer: Issuer) -> Hostile:
    return Hostile(issuer)


def test_an_honest_one_lets_people_in(hostile: Hostile) -> None:
    hostile.userinfo = (200, {"sub": "1", "name": "Eve Stone", "preferred_username": "mallory"})
    assert hostile.sign_in().status_code == 302
    assert User.objects.get().username == "eve"  # the signed claims win
    assert User.objects.get().display_name == "Eve Stone"


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"nonce": "replayed"}, "The token belongs to another attempt to sign in."),
        ({"nonce": None}, "The token belongs to another attempt to sign in."),
        ({"nonce": "\u00e4"}, "The token belongs to another attempt to sign in."),
        ({"aud": "someone"}, "It is meant for another audience."),
        ({"aud": ["octopus", "someone"]}, "The token was issued to another client."),
        ({"azp": "someone"}, "The token was issued to another client."),
        ({"aud": ["octopus", "x"], "azp": "x"}, "The token was issued to another client."),
        ({"iss": "https://accounts.example"}, "It is of another issuer."),
        ({"exp": 1_000_000_000}, "It has expired."),
        ({"sub": 5}, "It is malformed."),
        ({"preferred_username": "<>"}, "tells no user name"),
    ],
)
def test_tokens_of_somebody_else(hostile: Hostile, claims: dict[str, Any], reason: str) -> None:
    hostile.claims |= claims
    refused(hostile.sign_in(), reason)


def claims_elsewhere(hostile: Hostile) -> None:
    hostile.userinfo = (200, {"sub": "2", "groups": ["admins"]})


def userinfo_fails(hostile: Hostile) -> None:
    hostile.userinfo = (500, {})


def userinfo_is_a_list(hostile: Hostile) -> None:
    hostile.userinfo = (200, [])


def token_page_redirects(hostile: Hostile) -> None:
    hostile.issuer.pages["/token"] = (307, f"{hostile.issuer.url}/elsewhere")


def token_page_is_html(hostile: Hostile) -> None:
    hostile.issuer.pages["/token"] = (200, "<html>")


def token_page_in_the_cloud(hostile: Hostile) -> None:
    hostile.issuer.more["token_endpoint"] = "https://169.254.169.254/token"


def token_page_in_the_clear(hostile: Hostile) -> None:
    hostile.issuer.more["token_endpoint"] = "http://login.example.com/token"


def token_page_is_a_file(hostile: Hostile) -> None:
    hostile.issuer.more["token_endpoint"] = "file:///etc/passwd"


def no_token(hostile: Hostile) -> None:
    hostile.issuer.pages["/token"] = (200, {"access_token": "a"})


def keys_are_gone(hostile: Hostile) -> None:
    hostile.issuer.more["jwks_uri"] = f"{hostile.issuer.url}/none"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (claims_elsewhere, "The provider told about somebody else."),
        (userinfo_fails, "answered 500"),
        (userinfo_is_a_list, "something else than an object"),
        (token_page_redirects, "something else than JSON"),
        (token_page_is_html, "something else than JSON"),
        (token_page_in_the_cloud, "link-local"),
        (token_page_in_the_clear, "It must begin with https"),
        (token_page_is_a_file, "It must begin with https"),
        (no_token, "It is malformed."),
        (keys_are_gone, "answered 404"),
    ],
)
def test_answers_that_are_none(
    hostile: Hostile, change: Callable[[Hostile], None], reason: str
) -> None:
    change(hostile)
    refused(hostile.sign_in(), reason)
    assert "/elsewhere" not in hostile.issuer.asked


def test_a_silent_provider_is_not_asked_by_every_visitor(issuer: Issuer) -> None:
    issuer.name = "https://other.example"
    wanted = ProviderInput("Corporate", issuer.url, "octopus")
    create_provider(actor=SYSTEM, provider=wanted)
    for _ in range(3):
        answer = Visitor().client.get(BEGIN)
        assert "Corporate cannot be reached" in text_of(answer)
    assert len(issuer.asked) == 1


def refused(answer: Any, reason: str) -> None:
    assert answer.status_code == 400
    assert reason in text_of(answer)
    assert not ExternalLogin.objects.exists()
    assert not User.objects.exists()

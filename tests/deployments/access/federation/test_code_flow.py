"""Signing in at a real provider: the whole flow, who it leads to, and groups that become teams."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from deployments.access import services
from deployments.access.models import (
    BrowserSession,
    ExternalLogin,
    IdentityProvider,
    ProvidedMembership,
    User,
)
from deployments.access.services.federation.identity_providers import (
    ProviderInput,
    create_provider,
    delete_provider,
    update_provider,
)
from deployments.access.services.request_settings import set_allow_loopback
from deployments.base.clock import utc_now
from deployments.base.models import Event
from tests.deployments.access.federation.journeys import (
    BEGIN,
    EVE,
    LINK,
    SECURITY,
    change,
    follows,
    go,
    members,
    team,
)
from tests.factories import SYSTEM, make_ana, make_user
from tests.factories.people import PASSWORD, as_person
from tests.support.identity_provider import CLIENT_ID, CLIENT_SECRET, RealProvider
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def corporate(db: None, real_provider: RealProvider) -> IdentityProvider:
    """Give a provider in the settings that is the real one; it creates users."""
    set_allow_loopback(actor=SYSTEM, allowed=True)
    real_provider.people(eve=EVE)
    wanted = ProviderInput("Corporate", real_provider.issuer, CLIENT_ID, creates_users=True)
    return create_provider(actor=SYSTEM, provider=wanted, secret=CLIENT_SECRET)


def test_a_first_sign_in_makes_an_account_and_the_next_finds_it(
    corporate: IdentityProvider, real_provider: RealProvider
) -> None:
    page = Visitor().get("/app/sign-in", {"next": "/app/Spaces-1/projects"})
    assert "Sign in with Corporate" in text_of(page)
    assert b"/app/sign-in/with/corporate?next=%2Fapp%2FSpaces-1%2Fprojects" in page.content
    visitor = Visitor()
    begun = visitor.client.get(BEGIN, {"next": "/app/account"})
    sent = parse_qs(urlsplit(begun["Location"]).query)
    assert (sent["code_challenge_method"], sent["response_type"]) == (["S256"], ["code"])
    assert begun.cookies["OctopusSignIn"]["httponly"]
    assert sent["state"][0] not in begun.cookies["OctopusSignIn"].value
    visitor, answer = go(real_provider, "eve", visitor, f"{BEGIN}?next=/app/account")
    assert (answer.status_code, answer["Location"]) == (302, "/app/account")
    assert "Eve Stone" in visitor.get("/app/account").content.decode()
    eve = User.objects.get(username="eve")
    assert (eve.display_name, eve.has_usable_password(), eve.email) == ("Eve Stone", False, "")
    real_provider.people(eve={**EVE, "preferred_username": "eve.stone"})
    go(real_provider, "eve")
    assert list(User.objects.values_list("username", flat=True)) == ["eve"]
    messages = Event.objects.filter(category="LoginSucceeded").values_list("message", flat=True)
    assert [text.lower() for text in messages] == ["eve signed in (corporate)"] * 2


def test_groups_make_members_and_take_them_out_again(
    corporate: IdentityProvider, real_provider: RealProvider
) -> None:
    staff, ops = team("Staff", corporate, "staff"), team("Ops", corporate, "ops", "oncall")
    visitor, _ = go(real_provider, "eve")
    eve = User.objects.get(username="eve")
    assert (members(staff), members(ops)) == (["eve"], ["eve"])
    shown = text_of(Visitor(make_ana()).get(f"administration/teams/{staff.public_id}"))
    assert "eve Eve Stone by Corporate" in shown
    # Who was put in by hand stays; saving the team keeps whom a provider gave.
    services.update_team(actor=SYSTEM, team=ops, name="Ops", members=[])
    assert members(ops) == ["eve"]
    real_provider.people(eve={**EVE, "groups": ["staff"]})
    go(real_provider, "eve")
    assert (members(staff), members(ops)) == (["eve"], [])
    services.update_team(actor=SYSTEM, team=ops, name="Ops", members=[eve])
    real_provider.people(eve={**EVE, "groups": ["ops"]})
    go(real_provider, "eve")
    real_provider.people(eve={**EVE, "groups": []})
    go(real_provider, "eve")
    assert (members(staff), members(ops)) == ([], ["eve"])
    event = Event.objects.filter(message__contains="by groups of Corporate").order_by("pk")
    assert [each.message for each in event] == [
        "eve joined Ops, Staff by groups of Corporate",
        "eve left Ops by groups of Corporate",
        "eve left Staff by groups of Corporate",
    ]
    assert visitor.get("/app/account").status_code == 200


def test_a_group_that_a_team_follows_no_more_ends_at_once(
    corporate: IdentityProvider, real_provider: RealProvider
) -> None:
    staff = team("Staff", corporate, "staff", "ops")
    go(real_provider, "eve")
    follows(staff, corporate, "ops")
    assert members(staff) == ["eve"]
    follows(staff, corporate)
    assert members(staff) == []
    follows(staff, corporate, "ops")
    go(real_provider, "eve")
    delete_provider(actor=SYSTEM, row=corporate)
    assert (members(staff), ProvidedMembership.objects.count()) == ([], 0)
    assert User.objects.filter(username="eve").exists()


def test_a_name_that_is_taken_links_nothing(
    corporate: IdentityProvider, real_provider: RealProvider
) -> None:
    make_user("Eve")
    _, answer = go(real_provider, "eve")
    assert answer.status_code == 400
    assert "There is a user eve here already" in text_of(answer)
    assert not ExternalLogin.objects.exists()
    (event,) = Event.objects.filter(category="LoginFailed")
    assert event.message.startswith("Signing in with Corporate failed: There is a user eve here")


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"email": "eve@example.com", "email_verified": True}, 302),
        ({"email": "eve@example.com", "email_verified": False}, 400),
        ({"email": "eve@example.com", "email_verified": "true"}, 400),
        ({"email": "eve@example.com"}, 400),
        ({"email": "EVE@example.com", "email_verified": True}, 400),
        ({"email": "else@example.com", "email_verified": True}, 400),
    ],
)
def test_an_address_links_only_when_it_is_verified_and_the_same(
    corporate: IdentityProvider,
    real_provider: RealProvider,
    claims: dict[str, Any],
    expected: int,
) -> None:
    user = make_user("stone")
    services.update_user(actor=SYSTEM, user=user, display_name="Stone", email="eve@example.com")
    change(corporate, creates_users=False, links_by_email=True)
    real_provider.people(eve={**EVE, **claims})
    _, answer = go(real_provider, "eve")
    assert answer.status_code == expected
    assert list(ExternalLogin.objects.values_list("user", flat=True)) == (
        [user.pk] if expected == 302 else []
    )


def test_an_address_links_neither_twins_nor_administrators_nor_without_leave(
    corporate: IdentityProvider, real_provider: RealProvider
) -> None:
    ana, mail = make_ana().user, "eve@example.com"
    change(corporate, creates_users=False, links_by_email=True)
    real_provider.people(eve={**EVE, "email": mail, "email_verified": True})
    services.update_user(actor=SYSTEM, user=ana, display_name="Ana", email=mail)
    assert "Administrators link their account" in text_of(go(real_provider, "eve")[1])
    services.update_user(actor=SYSTEM, user=ana, display_name="Ana")
    for name in ("one", "two"):
        user = make_user(name)
        services.update_user(actor=SYSTEM, user=user, display_name=name, email=mail)
    assert "Nobody here belongs to eve@example.com" in text_of(go(real_provider, "eve")[1])
    User.objects.filter(username="two").delete()
    change(corporate, creates_users=False)
    assert go(real_provider, "eve")[1].status_code == 400
    assert not ExternalLogin.objects.exists()


def test_who_is_signed_in_links_and_unlinks(
    corporate: IdentityProvider, real_provider: RealProvider
) -> None:
    change(corporate, creates_users=False)
    ana = make_ana()
    visitor = Visitor(ana)
    assert "Link Corporate" in text_of(visitor.get(SECURITY))
    assert visitor.client.post(LINK).status_code == 403
    refused = visitor.post(LINK, {"password": "no"})
    assert (refused.status_code, "not your current password" in text_of(refused)) == (400, True)
    page = visitor.post(LINK, {"password": PASSWORD})
    address = page.context["address"]
    assert f'href="{address.replace("&", "&amp;")}"' in page.content.decode()
    back = urlsplit(real_provider.sign_in(address, "eve"))
    answer = visitor.client.get(f"{back.path}?{back.query}")
    assert answer["Location"] == SECURITY
    assert "Corporate eve" in text_of(visitor.get(SECURITY))
    _, signed_in = go(real_provider, "eve")
    assert signed_in.status_code == 302
    # The account is Ana's now: nobody else can have it.
    other = Visitor(as_person(make_user("ben")))
    page = other.post(LINK, {"password": PASSWORD})
    back = urlsplit(real_provider.sign_in(page.context["address"], "eve"))
    refused = other.client.get(f"{back.path}?{back.query}")
    assert "belongs to another user here" in text_of(refused)
    login = ExternalLogin.objects.get()
    assert login.user == ana.user
    assert other.post(f"/app/account/logins/{login.pk}/unlink").status_code == 404
    own = f"/app/account/logins/{login.pk}/unlink"
    refused = visitor.post(own, {"password": "no"})
    assert (refused.status_code, ExternalLogin.objects.count()) == (400, 1)
    visitor.post(own, {"password": PASSWORD})
    assert not ExternalLogin.objects.exists()
    assert go(real_provider, "eve")[1].status_code == 400


def test_the_only_way_in_is_not_thrown_away(
    corporate: IdentityProvider, real_provider: RealProvider
) -> None:
    visitor, _ = go(real_provider, "eve")
    login = ExternalLogin.objects.get()
    answer = visitor.post(f"/app/account/logins/{login.pk}/unlink")
    assert "only way to sign in" in text_of(answer)
    ana = Visitor(make_ana())
    own = f"administration/users/{login.user.public_id}"
    assert "Linked accounts" in text_of(ana.get(own))
    ana.post(f"{own}/logins/{login.pk}/unlink")
    assert not ExternalLogin.objects.exists()
    assert not is_in(visitor)


def test_a_key_or_an_old_session_does_not_become_a_login(
    corporate: IdentityProvider, real_provider: RealProvider
) -> None:
    wanted = ProviderInput("Other", "https://login.example.com", CLIENT_ID)
    create_provider(actor=SYSTEM, provider=wanted)
    visitor, _ = go(real_provider, "eve")
    eve = as_person(User.objects.get(username="eve"))
    login = ExternalLogin.objects.get()
    paths = ("/app/account/logins/other/link", f"/app/account/logins/{login.pk}/unlink")
    for path in paths:
        by_key = eve.api.post(path)
        assert "Sign in with a browser" in text_of(by_key)
    then = utc_now() - timedelta(minutes=11)
    BrowserSession.objects.filter(user=eve.user).update(created=then)
    begin_app = "/app/account/authenticator/begin"
    for path in (*paths, begin_app):
        answer = visitor.post(path)
        assert (answer.status_code, "Sign in again first." in text_of(answer)) == (400, True)
    assert list(ExternalLogin.objects.all()) == [login]
    visitor, _ = go(real_provider, "eve")
    assert visitor.post(begin_app).status_code == 302


def test_a_key_does_not_finish_what_a_session_began(
    corporate: IdentityProvider, real_provider: RealProvider
) -> None:
    ana = make_ana()
    visitor = Visitor(ana)
    page = visitor.post(LINK, {"password": PASSWORD})
    back = urlsplit(real_provider.sign_in(page.context["address"], "eve"))
    by_key = ana.api
    by_key.cookies["OctopusSignIn"] = visitor.client.cookies["OctopusSignIn"].value
    refused = by_key.get(f"{back.path}?{back.query}")
    assert (refused.status_code, "nothing was linked" in text_of(refused)) == (400, True)
    assert not ExternalLogin.objects.exists()


@pytest.mark.parametrize("way", ["disabled", "deleted"])
def test_sessions_end_with_the_provider_that_began_them(
    corporate: IdentityProvider, real_provider: RealProvider, way: str
) -> None:
    ana, (visitor, _) = Visitor(make_ana()), go(real_provider, "eve")
    change(corporate, group_days=31)
    assert is_in(visitor)
    if way == "disabled":
        change(corporate, is_enabled=False)
    else:
        delete_provider(actor=SYSTEM, row=corporate)
    assert (is_in(visitor), is_in(ana)) == (False, True)


def is_in(visitor: Visitor) -> bool:
    return bool(visitor.get("/app/account").status_code == 200)


def test_deactivation_bites_at_once_and_at_the_next_sign_in(
    corporate: IdentityProvider, real_provider: RealProvider
) -> None:
    visitor, _ = go(real_provider, "eve")
    User.objects.filter(username="eve").update(is_active=False)
    assert visitor.get("/app/account").status_code == 302
    assert "deactivated" in text_of(go(real_provider, "eve")[1])


def test_an_answer_works_once_in_the_browser_that_asked(
    corporate: IdentityProvider, real_provider: RealProvider
) -> None:
    visitor = Visitor()
    begun = visitor.client.get(BEGIN)
    back = urlsplit(real_provider.sign_in(begun["Location"], "eve"))
    answer = f"{back.path}?{back.query}"
    stolen = Client().get(answer)
    assert "This browser has not begun to sign in" in text_of(stolen)
    other = Visitor()
    other.client.get(BEGIN)
    assert "belongs to another attempt" in text_of(other.client.get(answer))
    cookie = begun.cookies["OctopusSignIn"].value
    assert visitor.client.get(answer).status_code == 302
    assert visitor.client.cookies["OctopusSignIn"].value == ""
    again = Client()
    again.cookies["OctopusSignIn"] = cookie
    assert "failed" in text_of(again.get(answer))  # the provider redeems a code once


@pytest.mark.parametrize(
    ("change_of", "reason"),
    [
        ({"iss": "https://evil.example"}, "The answer is of another issuer."),
        ({"iss": ""}, "The answer is of another issuer."),
        ({"code": ""}, "The answer has no code."),
        ({"code": "x"}, "refused the code or the client (invalid_grant)"),
        ({"error": "access_denied"}, "did not sign you in (access_denied)"),
        ({"error": "<b>Call 0900</b>"}, "did not sign you in."),
        ({"state": "x"}, "belongs to another attempt"),
        ({"state": "\u00e4"}, "belongs to another attempt"),
    ],
)
def test_answers_that_are_not_the_provider_s(
    corporate: IdentityProvider,
    real_provider: RealProvider,
    change_of: dict[str, str],
    reason: str,
) -> None:
    visitor = Visitor()
    begun = visitor.client.get(BEGIN)
    back = urlsplit(real_provider.sign_in(begun["Location"], "eve"))
    query = {name: texts[0] for name, texts in parse_qs(back.query).items()} | change_of
    answer = visitor.client.get(back.path, query)
    assert answer.status_code == 400
    assert reason in text_of(answer)
    assert "Call 0900" not in text_of(answer)
    assert not User.objects.exists()


def test_an_answer_for_another_provider_is_refused(
    corporate: IdentityProvider, real_provider: RealProvider
) -> None:
    wanted = ProviderInput("Other", real_provider.issuer, CLIENT_ID, creates_users=True)
    create_provider(actor=SYSTEM, provider=wanted, secret=CLIENT_SECRET)
    visitor = Visitor()
    begun = visitor.client.get(BEGIN)
    back = urlsplit(real_provider.sign_in(begun["Location"], "eve"))
    mixed = visitor.client.get(f"{back.path.replace('corporate', 'other')}?{back.query}")
    assert "belongs to another attempt" in text_of(mixed)


def test_a_wrong_secret_is_said_and_never_shown(
    corporate: IdentityProvider, real_provider: RealProvider
) -> None:
    provider = ProviderInput("Corporate", corporate.issuer, CLIENT_ID, creates_users=True)
    update_provider(actor=SYSTEM, row=corporate, provider=provider, secret="canary-7391")
    answer = go(real_provider, "eve")[1]
    assert "refused the code or the client (invalid_client)" in text_of(answer)
    assert "canary-7391" not in str(list(Event.objects.values())) + text_of(answer)


def test_signing_out_says_that_the_provider_still_knows(
    corporate: IdentityProvider, real_provider: RealProvider
) -> None:
    visitor, _ = go(real_provider, "eve")
    away = visitor.post("/app/sign-out")
    assert away["Location"] == "/app/sign-in?left=corporate"
    page = visitor.client.get(away["Location"])
    assert "Sign out of Corporate too" in text_of(page)
    assert f"{real_provider.issuer}/session/end?client_id=octopus" in page.content.decode()
    change(corporate, is_enabled=False)
    assert visitor.client.get(BEGIN).status_code == 404
    assert "Corporate" not in text_of(visitor.client.get(away["Location"]))

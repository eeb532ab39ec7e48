"""Signing in and out, and where that leads."""

import pytest

from deployments.access.signing_in.throttle import MOST_FAILURES
from deployments.access.web.csrf import COOKIE
from tests.factories import default_space, make_ana, make_dan, make_space, make_user
from tests.factories.people import PASSWORD, as_person
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db


def test_a_visitor_is_sent_to_sign_in_and_back() -> None:
    make_ana()
    visitor = Visitor()
    answer = visitor.get("infrastructure/targets", {"q": "web"})
    assert answer.status_code == 302
    assert answer["Location"] == (
        "/app/sign-in?next=%2Fapp%2FSpaces-1%2Finfrastructure%2Ftargets%3Fq%3Dweb"
    )
    wanted = "/app/Spaces-1/infrastructure/targets?q=web"
    answer = visitor.client.post(
        "/app/sign-in", {"username": "ANA", "password": PASSWORD, "next": wanted}
    )
    assert (answer.status_code, answer["Location"]) == (302, wanted)
    assert visitor.get("infrastructure/targets").status_code == 200


@pytest.mark.parametrize(
    "address",
    ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", ""],
)
def test_the_way_back_stays_on_this_server(address: str) -> None:
    make_ana()
    answer = Visitor().client.post(
        "/app/sign-in", {"username": "ana", "password": PASSWORD, "next": address}
    )
    assert answer["Location"] == "/app"


def test_a_wrong_password_says_so_and_keeps_the_name() -> None:
    make_ana()
    answer = Visitor().client.post("/app/sign-in", {"username": "ana", "password": "no"})
    assert answer.status_code == 400
    assert "Invalid username or password." in text_of(answer)
    assert b'value="ana"' in answer.content
    assert b'value="no"' not in answer.content


def test_too_many_failures_are_named() -> None:
    make_ana()
    for _ in range(MOST_FAILURES):
        Visitor().client.post("/app/sign-in", {"username": "ana", "password": "no"})
    answer = Visitor().client.post("/app/sign-in", {"username": "ana", "password": PASSWORD})
    assert "Too many failed attempts" in text_of(answer)


def test_home_is_the_default_space_or_the_first_visible_one() -> None:
    assert Visitor(make_ana()).get("/app")["Location"] == "/app/Spaces-1/dashboard"
    other = make_space()
    dan = Visitor(make_dan(other))
    assert dan.get("/app")["Location"] == f"/app/{other.public_id}/dashboard"
    assert dan.get("/")["Location"] == "/app"
    nobody = Visitor(as_person(make_user("eve")))
    assert "None of your teams has a role" in text_of(nobody.get("/app"))
    assert default_space().is_default


def test_signing_out_needs_the_token_and_ends_the_session() -> None:
    visitor = Visitor(make_ana())
    assert visitor.client.post("/app/sign-out").status_code == 403
    assert visitor.get("/app/account").status_code == 200
    assert visitor.post("/app/sign-out")["Location"] == "/app/sign-in"
    assert visitor.get("/app/account").status_code == 302


def test_somebody_signed_in_need_not_again() -> None:
    visitor = Visitor(make_ana())
    assert COOKIE in visitor.client.cookies
    assert visitor.get("/app/sign-in", {"next": "/app/account"})["Location"] == "/app/account"


def test_a_board_whose_session_has_ended_leads_to_the_sign_in_page_as_a_whole() -> None:
    address = "http://testserver/app/Spaces-1/dashboard?view=wall"
    headers = {"HX-Request": "true", "HX-Target": "wall", "HX-Current-URL": address}
    answer = Visitor().get("dashboard", {"view": "wall"}, headers=headers)
    assert (answer.status_code, answer.content) == (401, b"")
    back = "%2Fapp%2FSpaces-1%2Fdashboard%3Fview%3Dwall"
    assert answer["HX-Redirect"] == f"/app/sign-in?next={back}"

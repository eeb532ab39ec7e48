"""What only browsers get: the feed's clients, with their keys, do without."""

import pytest
from django.test import Client

from tests.factories import make_ana, make_user
from tests.factories.packages import nupkg
from tests.factories.people import as_person
from tests.support.portal import Visitor

pytestmark = pytest.mark.django_db

FEED = ("/nuget", "/nuget/packages", "/api/v2", "/api/Spaces-1/nuget", "/api/spaces/Spaces-1/nuget")


def browser() -> Client:
    """Return a client that ana has signed in with."""
    return Visitor(as_person(make_user())).client


@pytest.mark.parametrize("path", FEED)
def test_a_session_says_nothing_to_the_feed(path: str) -> None:
    client = browser()
    answer = client.get(path)
    assert not hasattr(answer.wsgi_request, "session")
    assert not answer.cookies
    assert client.put("/nuget/packages", b"x").status_code == 403


@pytest.mark.parametrize("path", ["/nugetx", "/app", "/api", "/api/Spaces-1/packages"])
def test_every_other_request_has_one(path: str) -> None:
    assert hasattr(browser().get(path).wsgi_request, "session")


def test_an_error_of_the_feed_is_a_page_like_any_other() -> None:
    """It is drawn without a session, in the words for visitors."""
    answer = Client().get("/nuget/nothing/at/all/here")
    assert answer.status_code == 404
    assert "There is no such page" in answer.content.decode()


def test_an_answer_to_a_write_with_a_key_has_no_policies_for_pages() -> None:
    ana = make_ana()
    data = nupkg("Acme.Web", "1.0.0")
    answer = ana.api.put("/nuget/packages", data, content_type="application/octet-stream")
    assert answer.status_code == 201
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert "Content-Security-Policy" not in answer.headers
    for other in (ana.api.get("/nuget/packages"), browser().post("/api/users/logout")):
        assert "Content-Security-Policy" in other.headers

"""Bodies that are too deep, too large or no JSON, and senders who are nobody."""

import asyncio
import base64
from collections.abc import Mapping
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from deployments.access.models import User
from deployments.access.services.first_administrator import link_lines
from deployments.base.models import Space
from octopus_site.http import LARGEST_ANONYMOUS_BODY, Message, Scope, SpoolChunkedBody
from octopus_site.middleware.senders import is_known
from tests.deployments.calls import S
from tests.factories import make_ana
from tests.factories.people import PASSWORD
from tests.support.portal import Visitor

FEED = "/api/Spaces-1/packages/raw"
_HALF = LARGEST_ANONYMOUS_BODY // 2


def scope_of(headers: Mapping[str, str], path: str = FEED) -> dict[str, Any]:
    return {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": [(name.encode(), text.encode()) for name, text in headers.items()],
    }


def taken_in(headers: Mapping[str, str], *, pieces: int, is_known_sender: bool) -> list[int]:
    """Send halves of a megabyte; return the sizes of what the application was given."""
    sizes: list[int] = []
    sent = iter(range(pieces))

    async def application(scope: Scope, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            sizes.append(len(message["body"]))
            if not message["more_body"]:
                return

    async def receive() -> Message:
        number = next(sent)
        return {"type": "http.request", "body": b"x" * _HALF, "more_body": number + 1 < pieces}

    async def send(message: Message) -> None:
        raise AssertionError(message)

    async def known(scope: Scope) -> bool:
        return is_known_sender

    asyncio.run(SpoolChunkedBody(application, known)(scope_of(headers), receive, send))
    return sizes


@pytest.mark.parametrize(
    "length",
    [
        {"content-length": str(6 * _HALF)},
        {"transfer-encoding": "chunked"},
        {"transfer-encoding": "Chunked"},
        {"transfer-encoding": "CHUNKED", "content-length": "1"},
    ],
)
def test_a_made_up_credential_fills_no_disk(length: dict[str, str]) -> None:
    headers = {"x-octopus-apikey": "API-NOBODY", **length}
    assert sum(taken_in(headers, pieces=6, is_known_sender=True)) == 6 * _HALF
    # Its views refuse it in their own words; they are given nothing to keep.
    assert taken_in(headers, pieces=6, is_known_sender=False) == [0]


def test_who_has_no_credential_is_asked_for_one() -> None:
    headers = {"content-length": str(6 * _HALF)}
    assert taken_in(headers, pieces=6, is_known_sender=False) == [0]
    chunked = {"transfer-encoding": "chunked"}
    assert taken_in(chunked, pieces=6, is_known_sender=False) == [0]


@pytest.mark.django_db
def test_who_is_somebody() -> None:
    ana = make_ana()
    key = ana.api_key
    pair = base64.b64encode(f"{ana.user.username}:{PASSWORD}".encode()).decode()
    wrong = base64.b64encode(f"{ana.user.username}:no".encode()).decode()
    visitor = Visitor(ana)
    visitor.get("dashboard")
    session = visitor.client.cookies["OctopusIdentificationToken"].value
    cookie = "OctopusIdentificationToken="
    for headers, expected in (
        ({"x-octopus-apikey": key}, True),
        ({"x-octopus-apikey": f"{key}X"}, False),
        ({"authorization": f"Basic {pair}"}, True),
        ({"authorization": f"Basic {wrong}"}, False),
        ({"authorization": "Basic nonsense"}, False),
        ({"authorization": "Basic é"}, False),
        ({"cookie": f"{cookie}{session}"}, True),
        ({"cookie": f"{cookie}{session[::-1]}"}, False),
        ({"cookie": "a=b"}, False),
        ({}, False),
    ):
        assert is_known(scope_of(headers)) is expected, headers


@pytest.mark.django_db
@pytest.mark.parametrize(
    "body",
    [
        '{"Name": ' + "[" * 65 + "]" * 65 + "}",
        '{"Name": ' + '{"a":' * 100_000 + "1" + "}" * 100_000 + "}",
        "[" * 100_000,
        '{"Name": NaN}',
        '{"Name": -Infinity}',
        '{"Name": 1e999}',
        '{"Name": ' + "9" * 5000 + "}",
        '{"Name": "half a character: \\uD800"}',
        '{"\\udfff": "x"}',
    ],
    ids=[
        *("deep", "very deep", "open", "NaN", "Infinity", "overflow", "long number"),
        *("half a character", "half a character in a name"),
    ],
)
def test_json_that_would_harm_is_refused(body: str) -> None:
    answer = make_ana().api.post(f"{S}/environments", body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["ErrorMessage"]


@pytest.mark.django_db
def test_forms_have_a_most_of_fields_and_files() -> None:
    visitor = Visitor(make_ana())
    many = {f"field{number}": "x" for number in range(1001)}
    assert visitor.post("infrastructure/environments/new", many).status_code == 400


@pytest.mark.django_db
def test_no_disguise_spares_a_write_the_token() -> None:
    client = Visitor(make_ana()).client
    before = Space.objects.count()
    for headers, kind in (
        ({}, "application/json"),
        ({}, "text/plain"),
        ({}, "multipart/form-data; boundary=x"),
        ({"X-HTTP-Method-Override": "GET"}, "application/json"),
        ({"X-Octopus-ApiKey": ""}, "application/json"),
        ({"X-Requested-With": "XMLHttpRequest"}, "application/json"),
        ({"Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site"}, "text/plain"),
    ):
        answer = client.post("/api/spaces", '{"Name": "Forged"}', kind, headers=headers)
        assert answer.status_code == 403, headers
    answer = client.get("/api/spaces", headers={"X-HTTP-Method-Override": "POST"})
    assert answer.status_code in {200, 405}
    assert Space.objects.count() == before


@pytest.mark.django_db(transaction=True)
def test_an_invitation_makes_one_account_at_the_same_moment() -> None:
    body: dict[str, list[str]] = {"AddToTeamIds": []}
    answer = make_ana().api.post("/api/users/invitations", body, content_type="application/json")
    code = answer.json()["InvitationCode"]
    statuses: list[int] = []
    both_are_here = Barrier(2)

    def register(name: str) -> None:
        fields = {"InvitationCode": code, "Username": name, "Password": PASSWORD}
        both_are_here.wait(30)
        try:
            sent = Client().post("/api/users/register", fields, content_type="application/json")
            statuses.append(sent.status_code)
        finally:
            connection.close()

    threads = [Thread(target=register, args=(name,)) for name in ("eve", "mallory")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(status < 300 for status in statuses) == [False, True]
    assert User.objects.filter(username__in=["eve", "mallory"]).count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_new_server_gets_one_administrator_at_the_same_moment() -> None:
    page = link_lines()[1].partition("/app/")[2]
    statuses: list[int] = []
    both_are_here = Barrier(2)

    def create(name: str) -> None:
        both_are_here.wait(30)
        try:
            sent = Client().post(f"/app/{page}", {"username": name, "password": PASSWORD})
            statuses.append(sent.status_code)
        finally:
            connection.close()

    threads = [Thread(target=create, args=(name,)) for name in ("eve", "mallory")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(statuses) == 2
    assert User.objects.count() == 1

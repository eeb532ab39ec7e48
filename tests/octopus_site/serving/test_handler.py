"""One thread for a request, kept for the next one; streams end with their clients."""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
from django.core import signals
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import override_settings
from django.urls import path

from octopus_site.serving.handler import OneThreadHandler

ended: list[str] = []


def thread_name(_: HttpRequest) -> HttpResponse:
    return HttpResponse(str(threading.get_ident()))


def endless(_: HttpRequest) -> StreamingHttpResponse:
    async def parts() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"."
                await asyncio.sleep(0.001)
        finally:
            ended.append("stream")

    return StreamingHttpResponse(parts())


def body(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.body)


urlpatterns = [path("thread", thread_name), path("endless", endless), path("body", body)]


class Client:
    """Asks for one page and goes away after so many parts of its body."""

    def __init__(self, address: str, *, most_parts: int = 10_000) -> None:
        self.scope = {
            "type": "http",
            "method": "GET",
            "path": address,
            "query_string": b"",
            "headers": [(b"host", b"testserver")],
        }
        self.most_parts = most_parts
        self.parts: list[bytes] = []
        self.status = 0
        self._has_sent = False
        self._is_gone = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        if not self._has_sent:
            self._has_sent = True
            return {"type": "http.request", "body": b""}
        await self._is_gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message.get("body"):
            self.parts.append(message["body"])
            if len(self.parts) >= self.most_parts:
                self._is_gone.set()


@pytest.fixture
def handler() -> OneThreadHandler:
    with override_settings(MIDDLEWARE=[]):
        return OneThreadHandler()


async def ask(handler: OneThreadHandler, client: Client) -> Client:
    await asyncio.wait_for(handler(client.scope, client.receive, client.send), 20)
    return client


@override_settings(ROOT_URLCONF=__name__)
def test_a_thread_takes_one_request_after_another(handler: OneThreadHandler) -> None:
    async def run() -> list[bytes]:
        return [(await ask(handler, Client("/thread"))).parts[0] for _ in range(5)]

    seen = asyncio.run(run())
    assert len(set(seen)) == 1
    assert seen[0] != str(threading.get_ident()).encode()


@override_settings(ROOT_URLCONF=__name__)
@pytest.mark.parametrize("pieces", [[b"whole"], [b"in ", b"", b"pieces"], [b""]], ids=len)
def test_a_body_comes_as_it_was_sent(handler: OneThreadHandler, pieces: list[bytes]) -> None:
    class Sending(Client):
        async def receive(self) -> dict[str, Any]:
            if not left:
                return await super().receive()
            self._has_sent = True
            return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    left = list(pieces)

    async def run() -> Client:
        return await ask(handler, Sending("/body"))

    client = asyncio.run(run())
    assert (client.status, b"".join(client.parts)) == (200, b"".join(pieces))


@override_settings(ROOT_URLCONF=__name__)
def test_who_goes_away_before_the_end_gets_no_answer(handler: OneThreadHandler) -> None:
    class Leaving(Client):
        async def receive(self) -> dict[str, Any]:
            return said.pop(0)

    said: list[dict[str, Any]] = [
        {"type": "http.request", "body": b"in ", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def run() -> Client:
        return await ask(handler, Leaving("/body"))

    client = asyncio.run(run())
    assert (client.status, said) == (0, [])


@override_settings(ROOT_URLCONF=__name__)
def test_an_answer_has_given_all_back_before_it_is_sent(handler: OneThreadHandler) -> None:
    order: list[str] = []

    def finished(**_: Any) -> None:
        order.append("finished")

    class Noting(Client):
        async def send(self, message: dict[str, Any]) -> None:
            order.append("sent")
            await super().send(message)

    async def run() -> Client:
        return await ask(handler, Noting("/thread"))

    signals.request_finished.connect(finished)
    try:
        client = asyncio.run(run())
    finally:
        signals.request_finished.disconnect(finished)
    assert (client.status, order) == (200, ["finished", "sent", "sent"])


@override_settings(ROOT_URLCONF=__name__)
def test_a_stream_ends_when_its_client_goes_away(handler: OneThreadHandler) -> None:
    ended.clear()

    async def run() -> Client:
        return await ask(handler, Client("/endless", most_parts=3))

    client = asyncio.run(run())
    assert client.status == 200
    assert 3 <= len(client.parts) < 1000
    assert ended == ["stream"]


@override_settings(ROOT_URLCONF=__name__)
def test_requests_at_the_same_time_have_threads_of_their_own(handler: OneThreadHandler) -> None:
    async def run() -> list[Client]:
        asked = (ask(handler, Client("/thread")) for _ in range(3))
        return list(await asyncio.gather(*asked))

    assert len({client.parts[0] for client in asyncio.run(run())}) == 3

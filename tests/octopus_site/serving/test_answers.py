"""What a client gets on the wire, from uvicorn with the protocol of this server."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvicorn

from octopus_site.http import ReasonPhraseProtocol
from tests.support.processes import free_port

Send = Callable[[dict[str, Any]], Awaitable[None]]
REASON = (b"x-octopus-reason", b"It is taken")


def application(headers: list[tuple[bytes, bytes]], parts: list[bytes], pause: float) -> Any:
    """Return one that answers so, and waits before each part."""

    async def answer(scope: Any, receive: Any, send: Send) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 409, "headers": headers})
        for place, part in enumerate(parts):
            await asyncio.sleep(pause)
            is_last = place == len(parts) - 1
            await send({"type": "http.response.body", "body": part, "more_body": not is_last})

    return answer


async def segments(app: Any, request: bytes) -> list[bytes]:
    """Return what one request is sent, each piece as it came."""
    port = free_port()
    config = uvicorn.Config(
        app, port=port, http=ReasonPhraseProtocol, ws="none", lifespan="off", log_level="error"
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 uvicorn has nothing to wait for
        await asyncio.sleep(0.01)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    found = []
    while piece := await reader.read(65536):
        found.append(piece)
    writer.close()
    server.should_exit = True
    await serving
    return found


ASK = b"%s / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
def test_head_and_body_come_together_with_the_reason(method: bytes) -> None:
    app = application([REASON, (b"content-length", b"4")], [b"body"], 0)
    whole = b"".join(asyncio.run(segments(app, ASK % method)))
    head, _, body = whole.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 409 It is taken\r\n")
    assert b"x-octopus-reason" not in head
    assert body == (b"body" if method == b"GET" else b"")


def test_of_a_slow_answer_the_head_comes_at_once() -> None:
    app = application([], [b"one", b"two"], 0.2)
    pieces = asyncio.run(segments(app, ASK % b"GET"))
    assert pieces[0].startswith(b"HTTP/1.1 409 ")
    assert pieces[0].endswith(b"\r\n\r\n")
    assert b"".join(pieces[1:]) == b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"


def test_of_a_quick_answer_head_and_body_are_one_piece() -> None:
    app = application([(b"content-length", b"4")], [b"body"], 0)
    assert len(asyncio.run(segments(app, ASK % b"GET"))) == 1


def test_a_client_is_told_to_go_on_with_its_body() -> None:
    app = application([REASON, (b"content-length", b"4")], [b"body"], 0)
    head = b"PUT / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\n"
    whole = b"".join(asyncio.run(segments(app, head + b"Content-Length: 2\r\n\r\nhi")))
    assert whole.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 409 It is taken")


def test_what_is_no_request_is_refused_in_words() -> None:
    app = application([], [b""], 0)
    whole = b"".join(asyncio.run(segments(app, b"nonsense\r\n\r\n")))
    assert whole.startswith(b"HTTP/1.1 400 ")
    assert whole.endswith(b"Invalid HTTP request received.")

"""A large body is read while it comes: in bounded memory, and not at all when nobody wants it."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from octopus_site import http
from octopus_site.http import LARGEST_BODY, Scope, SpoolChunkedBody
from octopus_site.serving.live_body import LargeBody, LiveFile, Message

PIECE = b"x" * 64 * 1024
PUSH = "/api/packages/raw"
pytestmark = pytest.mark.django_db(transaction=True)


class Client:
    """Sends pieces as fast as they are taken, then waits, or goes away before the end."""

    def __init__(self, pieces: list[bytes], *, stays: bool = True) -> None:
        self.left = list(pieces)
        self.stays = stays
        self.count = 0

    async def receive(self) -> Message:
        await asyncio.sleep(0)
        if not self.left:
            if not self.stays:
                return {"type": "http.disconnect"}
            await asyncio.Future()
        self.count += 1
        body = self.left.pop(0)
        is_last = not self.left and self.stays
        return {"type": "http.request", "body": body, "more_body": not is_last}


def read_in_thread(client: Client, work: Any) -> Any:
    """Let a thread read the live file of a request, as a view does."""

    async def run() -> Any:
        body = LargeBody(client.receive)
        file = body.begin()
        try:
            return await asyncio.to_thread(work, file)
        finally:
            file.close()

    return asyncio.run(asyncio.wait_for(run(), 20))


def pieces_of(file: LiveFile) -> Iterator[bytes]:
    while piece := file.read(1024 * 1024):
        yield piece


def test_all_of_it_comes_in_order() -> None:
    pieces = [bytes([number % 256]) * (number * 7) for number in range(1, 900)]
    whole = b"".join(pieces)
    assert read_in_thread(Client(pieces), lambda file: b"".join(pieces_of(file))) == whole
    assert read_in_thread(Client(pieces), lambda file: file.read()) == whole
    some = read_in_thread(Client(pieces), lambda file: (file.read(10), file.read(5), file.read()))
    assert b"".join(some) == whole
    assert [len(part) for part in some[:2]] == [10, 5]


def test_lines() -> None:
    def lines(file: LiveFile) -> list[bytes]:
        return list(iter(file.readline, b""))

    assert read_in_thread(Client([b"a", b"b\nc", b"", b"\nlast"]), lines) == [
        b"ab\n",
        b"c\n",
        b"last",
    ]


def test_nobody_reads_so_it_stops_coming() -> None:
    client, waits = Client([PIECE] * 1000), threading.Event()

    def look(file: LiveFile) -> bool:
        waits.wait(0.5)
        held = client.count * len(PIECE)
        return held <= 5 * 1024 * 1024 and len(file.read()) == 1000 * len(PIECE)

    assert read_in_thread(client, look)


def test_what_came_before_the_line_broke_is_read_and_then_an_error_raised() -> None:
    read: list[bytes] = []

    def work(file: LiveFile) -> None:
        read.extend(pieces_of(file))

    with pytest.raises(ConnectionResetError):
        read_in_thread(Client([PIECE] * 9, stays=False), work)
    assert b"".join(read) == PIECE * 9


def test_what_is_left_is_dropped_when_the_request_ends() -> None:
    client = Client([PIECE] * 1000)
    assert read_in_thread(client, lambda file: len(file.read(100))) == 100
    assert client.count < 1000


def test_it_is_an_ordinary_receive_until_it_begins() -> None:
    async def run() -> tuple[Message, Message]:
        client = Client([b"a", b"b"], stays=False)
        body = LargeBody(client.receive)
        first = await body()
        file = body.begin()
        gone = await body()
        file.close()
        return first, gone

    first, gone = asyncio.run(run())
    assert (first["body"], gone["type"]) == (b"a", "http.disconnect")


class ChunkedSender:
    """Sends half a megabyte at a time, the last piece only when it is told that some were read."""

    def __init__(self, count: int) -> None:
        self.left = count
        self.is_read = threading.Event()

    async def receive(self) -> Message:
        self.left -= 1
        if not self.left:
            await asyncio.to_thread(self.is_read.wait, 10)
        return {"type": "http.request", "body": b"x" * 512 * 1024, "more_body": self.left > 0}


def sent_in_chunks(count: int, path: str) -> tuple[int, int, bool]:
    """Return the length that the application is told and what it reads, and whether it begins."""
    sender, seen = ChunkedSender(count), []

    def read(file: LiveFile) -> int:
        size = len(file.read(100_000))
        sender.is_read.set()
        return size + sum(map(len, pieces_of(file)))

    async def application(scope: Scope, receive: Any, send: Any) -> None:
        told = int(dict(scope["headers"])[b"content-length"])
        if isinstance(receive, LargeBody):
            file = receive.begin()
            seen.append((told, await asyncio.to_thread(read, file), True))
            file.close()
            return
        size, more = 0, True
        while more:
            message = await receive()
            size, more = size + len(message["body"]), message["more_body"]
        seen.append((told, size, False))

    async def run() -> None:
        headers = [(b"transfer-encoding", b"chunked"), (b"x-octopus-apikey", b"API-ANA")]
        scope = {"type": "http", "path": path, "headers": headers}
        await SpoolChunkedBody(application, known)(scope, sender.receive, no_answer)

    if count < 4 or path != PUSH:
        sender.is_read.set()
    asyncio.run(asyncio.wait_for(run(), 20))
    return seen[0]


async def known(scope: Scope) -> bool:
    return True


async def no_answer(message: Message) -> None:
    raise AssertionError(message)


def test_a_large_package_in_chunks_is_read_while_it_comes() -> None:
    assert sent_in_chunks(9, PUSH) == (LARGEST_BODY, 9 * 512 * 1024, True)


def test_small_packages_and_other_bodies_get_their_length() -> None:
    assert sent_in_chunks(2, PUSH) == (1024 * 1024, 1024 * 1024, False)
    assert sent_in_chunks(9, "/api/releases") == (9 * 512 * 1024, 9 * 512 * 1024, False)


def test_more_chunks_than_any_package_may_have_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "LARGEST_BODY", 3 * 1024 * 1024)
    with pytest.raises(ConnectionResetError):
        sent_in_chunks(9, PUSH)

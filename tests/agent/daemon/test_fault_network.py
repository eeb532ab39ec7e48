"""Lines that break, proxies that know no WebSockets, names that move, certificates that change."""

import asyncio
import datetime as dt
import time
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from agent.contracts.messages import Goodbye, Hello, Started
from tests.agent.daemon.gateway import (
    Daemon,
    Gateway,
    open_gateway,
    run_to_end,
    script,
    starts,
    until,
    witness,
)
from tests.agent.daemon.test_connection import make_certificate
from tests.faults.harness.forwarder import DOWN, UP, Direction, Forwarder
from tests.support.confinement import needs_namespaces, with_hosts

SOON = dt.timedelta(days=1)


@pytest.fixture
async def line(gateway: Gateway) -> AsyncIterator[Forwarder]:
    made = Forwarder(gateway.port)
    made.start()
    try:
        yield made
    finally:
        await asyncio.to_thread(made.stop)


@pytest.fixture
async def far(gateway: Gateway, line: Forwarder, tmp_path: Path) -> AsyncIterator[Daemon]:
    """Give a daemon at the other end of the line."""
    made = Daemon(tmp_path / "home", f"ws://127.0.0.1:{line.port}")
    await made.start()
    try:
        await gateway.wait(Hello)
        yield made
    finally:
        await made.stop()


@pytest.mark.thorough
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    ("direction", "kind"),
    [
        (UP, "hello"),
        (UP, "accepted"),
        (UP, "out"),
        (UP, "finished"),
        (DOWN, "welcome"),
        (DOWN, "run"),
        (DOWN, "out_ack"),
        (DOWN, "final_ack"),
    ],
)
async def test_a_reset_at_a_message_changes_nothing(
    gateway: Gateway, line: Forwarder, tmp_path: Path, direction: Direction, kind: str, after: bool
) -> None:
    daemon = Daemon(tmp_path / "home", f"ws://127.0.0.1:{line.port}")
    line.cut_at(direction, kind, after=after)
    await daemon.start()
    await gateway.wait(Hello)
    run = script(witness(tmp_path) + "echo one; sleep 0.3; echo two; exit 4")
    ended = asyncio.create_task(gateway.finished(run.id, seconds=40))
    while not ended.done():
        # What a server does: it offers what nobody has accepted.
        if line.opened and gateway.is_open and run.id not in gateway.logs:
            await gateway.send_or_lose(run)
        await asyncio.wait([ended], timeout=0.5)
    assert (await ended).exit == 4
    await until(lambda: not line.is_armed)
    assert line.cuts == 1
    assert starts(tmp_path) == 1
    gateway.check_log(await ended)
    await daemon.stop()


async def test_a_time_limit_holds_while_nobody_is_there(
    gateway: Gateway, line: Forwarder, far: Daemon, tmp_path: Path
) -> None:
    run = script(witness(tmp_path) + "sleep 60", deadline_s=2.0)
    await gateway.send(run)
    await gateway.wait(Started)
    with line.changed(is_refusing=True):
        await asyncio.to_thread(line.reset)
        await until((far.home / "cmd" / run.id / "exit").exists)
    finished = await gateway.finished(run.id, seconds=40)
    assert (finished.started, finished.reason) == (True, "deadline")
    assert starts(tmp_path) == 1


@pytest.mark.thorough
async def test_a_line_that_breaks_every_second_makes_progress_and_no_storm(
    gateway: Gateway, line: Forwarder, far: Daemon
) -> None:
    run = script("for i in $(seq 1 400); do echo line $i; sleep 0.02; done; exit 6")
    await gateway.send(run)
    end = time.monotonic() + 9
    while time.monotonic() < end:
        await asyncio.sleep(1)
        await asyncio.to_thread(line.reset)
    finished = await gateway.finished(run.id, seconds=60)
    assert finished.exit == 6
    gateway.check_log(finished)
    # The delay grows although each session came as far as its welcome.
    assert line.opened <= 12


@pytest.mark.parametrize("status", [HTTPStatus.OK, HTTPStatus.UPGRADE_REQUIRED])
async def test_a_proxy_that_knows_no_websockets_is_named_in_the_log(
    tmp_path: Path, status: HTTPStatus
) -> None:
    def answer(connection: ServerConnection, request: Request) -> Response:
        return connection.respond(status, "a page\n")

    async with open_gateway(process_request=answer) as gateway:
        daemon = Daemon(tmp_path / "home", gateway.url)
        await daemon.start()
        await until(lambda: str(int(status)) in daemon.log())
        assert "Traceback" not in daemon.log()
        await daemon.stop()


async def test_a_name_that_moves_is_looked_up_again(tmp_path: Path) -> None:
    needs_namespaces()
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 gateway.example\n")
    async with open_gateway() as old:
        url = f"ws://gateway.example:{old.port}"
        daemon = Daemon(tmp_path / "home", url, allow_plain=True)
        daemon.wrapper = with_hosts(hosts)
        await daemon.start()
        await old.wait(Hello)
        async with open_gateway("127.0.0.2", port=old.port) as new:
            hosts.write_text("127.0.0.2 gateway.example\n")
            await old.drop()
            await new.wait(Hello)
            assert (await run_to_end(new, script("echo moved"))).exit == 0
            await daemon.stop()
            await new.wait(Goodbye)


async def test_ipv6_alone_is_enough(tmp_path: Path) -> None:
    async with open_gateway("::1") as gateway:
        daemon = Daemon(tmp_path / "home", f"ws://[::1]:{gateway.port}")
        await daemon.start()
        await gateway.wait(Hello)
        assert (await run_to_end(gateway, script("echo six"))).exit == 0
        await daemon.stop()


async def test_a_rotated_certificate_is_refused_until_the_pinned_one_is_back(
    tmp_path: Path,
) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    old, thumbprint = make_certificate(tmp_path / "old")
    new, _ = make_certificate(tmp_path / "new")
    async with open_gateway(ssl=old) as gateway:
        port = gateway.port
        daemon = Daemon(tmp_path / "home", f"wss://127.0.0.1:{port}", thumbprint=thumbprint)
        await daemon.start()
        await gateway.wait(Hello)
    async with open_gateway(ssl=new, port=port) as stranger:
        await until(lambda: "thumbprint" in daemon.log())
        assert stranger.headers == []
    async with open_gateway(ssl=old, port=port) as gateway:
        await gateway.wait(Hello, seconds=40)
        assert (await run_to_end(gateway, script("echo back"))).exit == 0
    await daemon.stop()


@pytest.mark.parametrize(
    ("start", "end", "word"),
    [(-2 * SOON, -SOON, "expired"), (SOON, 2 * SOON, "not yet valid")],
)
async def test_a_certificate_out_of_its_time_is_named_in_the_log(
    tmp_path: Path, start: dt.timedelta, end: dt.timedelta, word: str
) -> None:
    """Where the CA decides, its time counts; a pinned certificate is compared and no more."""
    now = dt.datetime.now(dt.UTC)
    context, thumbprint = make_certificate(tmp_path, now + start, now + end)
    async with open_gateway(ssl=context) as gateway:
        url = f"wss://127.0.0.1:{gateway.port}"
        daemon = Daemon(tmp_path / "home", url, ca_file=str(tmp_path / "pair.pem"))
        await daemon.start()
        await until(lambda: word in daemon.log())
        assert gateway.headers == []
        await daemon.stop()
        pinned = Daemon(tmp_path / "pinned", url, thumbprint=thumbprint)
        await pinned.start()
        await gateway.wait(Hello)
        await pinned.stop()

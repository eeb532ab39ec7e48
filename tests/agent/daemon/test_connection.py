"""TLS by pin, back-off, refusals, and a dead peer: the connection's own rules."""

import asyncio
import datetime as dt
import hashlib
import random
import ssl
import time
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from agent.contracts import limits
from agent.contracts.messages import Hello
from agent.runtime.connection.backoff import Backoff
from agent.runtime.http import Endpoint, HttpError, request_json
from agent.runtime.tls import PlainRefused, context_for
from tests.agent.daemon.gateway import Daemon, Gateway, open_gateway, run_to_end, script, until
from tests.agent.daemon.web import open_web


def make_certificate(
    folder: Path,
    start: dt.datetime = dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
    end: dt.datetime = dt.datetime(2119, 1, 1, tzinfo=dt.UTC),
) -> tuple[ssl.SSLContext, str]:
    """Make a self-signed pair; returns the server's context and the thumbprint."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "gateway")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem = folder / "pair.pem"
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    der = certificate.public_bytes(serialization.Encoding.DER)
    return context, hashlib.sha256(der).hexdigest()


async def test_the_pinned_gateway_is_accepted(tmp_path: Path) -> None:
    context, thumbprint = make_certificate(tmp_path)
    async with open_gateway(ssl=context) as gateway:
        url = gateway.url.replace("ws:", "wss:")
        daemon = Daemon(tmp_path / "home", url, thumbprint=thumbprint)
        await daemon.start()
        await gateway.wait(Hello)
        assert (await run_to_end(gateway, script("echo safe"))).exit == 0
        await daemon.stop()


@pytest.mark.parametrize("thumbprint", ["0" * 64, None])
async def test_another_gateway_never_sees_the_credential(
    tmp_path: Path, thumbprint: str | None
) -> None:
    context, _ = make_certificate(tmp_path)
    async with open_gateway(ssl=context) as gateway:
        url = gateway.url.replace("ws:", "wss:")
        daemon = Daemon(tmp_path / "home", url, thumbprint=thumbprint)
        await daemon.start()
        await until(lambda: "no connection" in daemon.log())
        await asyncio.sleep(0.5)
        assert gateway.headers == []
        await daemon.stop()
        assert "certificate" in daemon.log()


def test_rest_calls_check_the_pin_too(tmp_path: Path) -> None:
    context, thumbprint = make_certificate(tmp_path)
    with open_web(context) as web:
        good = Endpoint(url=web.url, pin=thumbprint)
        assert request_json(good, "POST", "/agent/v1/register", {}, {})["machineId"]
        for bad in (Endpoint(url=web.url, pin="0" * 64), Endpoint(url=web.url)):
            with pytest.raises(HttpError, match="certificate"):
                request_json(bad, "POST", "/agent/v1/register", {"X-Octopus-ApiKey": "K"}, {})
        assert len(web.requests) == 1


@pytest.mark.parametrize("url", ["ws://10.0.0.1:1", "http://example.com", "ftp://localhost"])
def test_plain_addresses_stay_on_this_machine(url: str) -> None:
    with pytest.raises(PlainRefused):
        context_for(url, pin=None, ca_file=None, allow_plain=False)


def test_plain_addresses_are_allowed_here_or_on_purpose() -> None:
    for url in ("ws://127.0.0.1:1", "http://localhost", "ws://[::1]:2"):
        assert context_for(url, pin=None, ca_file=None, allow_plain=False) is None
    assert context_for("ws://10.0.0.1:1", pin=None, ca_file=None, allow_plain=True) is None


def test_the_delay_grows_is_scattered_and_falls_back_only_after_a_stable_session() -> None:
    backoff = Backoff(random.Random(1))
    for attempt in range(12):
        span = min(limits.RECONNECT_MAX, limits.RECONNECT_BASE * 2**attempt)
        assert 0.0 <= backoff.next_delay(session_s=59.0) <= span
    delays = [backoff.next_delay(1.0) for _ in range(200)]
    assert max(delays) > 20.0
    assert min(delays) < 10.0
    assert backoff.next_delay(session_s=60.0) <= limits.RECONNECT_BASE
    assert 8.0 <= backoff.next_delay(0.0, 8.0) <= 10.0


async def test_a_busy_gateway_names_the_time_to_come_back(gateway: Gateway, daemon: Daemon) -> None:
    began = time.monotonic()
    await gateway.drop(limits.CLOSE_BUSY, "1.5")
    await gateway.wait(Hello, count=2)
    assert time.monotonic() - began >= 1.5


async def test_a_refused_handshake_with_retry_after(tmp_path: Path) -> None:
    refusals = 0

    def refuse(connection: ServerConnection, request: Request) -> Response | None:
        nonlocal refusals
        refusals += 1
        if refusals > 1:
            return None
        response = connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "later\n")
        response.headers["Retry-After"] = "1"
        return response

    async with open_gateway(process_request=refuse) as gateway:
        daemon = Daemon(tmp_path / "home", gateway.url)
        began = time.monotonic()
        await daemon.start()
        await gateway.wait(Hello)
        assert time.monotonic() - began >= 1.0
        await daemon.stop()


async def test_a_redirect_does_not_carry_the_credential_away(tmp_path: Path) -> None:
    async with open_gateway() as other:

        def away(connection: ServerConnection, request: Request) -> Any:
            response = connection.respond(HTTPStatus.FOUND, "")
            response.headers["Location"] = f"{other.url}/agent/v1/connect"
            return response

        async with open_gateway(process_request=away) as gateway:
            daemon = Daemon(tmp_path / "home", gateway.url)
            await daemon.start()
            await asyncio.sleep(2.0)
            assert other.headers == []
            await daemon.stop()


async def test_a_silent_peer_is_found_within_22_seconds(tmp_path: Path) -> None:
    """The gateway's end accepts bytes but its program is stopped, as behind a dead link."""
    silent = asyncio.Event()
    connections = 0

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        first = connections == 1
        there_in, there_out = await asyncio.open_connection("127.0.0.1", gateway.port)

        async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            while data := await source.read(65536):
                if not (first and silent.is_set()):
                    target.write(data)
            target.close()

        await asyncio.gather(copy(reader, there_out), copy(there_in, writer))

    async with open_gateway(ping_interval=None) as gateway:
        server = await asyncio.start_server(forward, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        daemon = Daemon(tmp_path / "home", f"ws://127.0.0.1:{port}")
        await daemon.start()
        await gateway.wait(Hello)
        silent.set()
        began = time.monotonic()
        await gateway.wait(Hello, count=2, seconds=25.0)
        assert time.monotonic() - began <= 22.0 + limits.RECONNECT_BASE
        await daemon.stop()
        server.close()

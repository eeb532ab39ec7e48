"""Addresses that people write: names that change their mind, redirects, other protocols."""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from deployments.base import smtp
from deployments.base.outgoing import HttpRequest, Refused, open_answer, send
from packages_feed.sources.s3_connections import check_connections
from tests.packages_feed.sources.servers import Answer, Served, serving

SECRET_PLACE = "169.254.169.254"  # where a cloud keeps the credentials of its machines


def page(path: str, headers: Mapping[str, str]) -> Answer:
    return 200, {}, b"<ok></ok>"


@pytest.fixture
def served() -> Iterator[Served]:
    with serving(page) as server:
        yield server


class ChangingName:
    """A name that is the server at the first question and the secret place ever after."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked = 0
        self.real = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self.answer)

    def answer(self, host: str, port: int, *rest: Any, **more: Any) -> Any:
        if host != "rebinding.test":
            return self.real(host, port, *rest, **more)
        self.asked += 1
        return self.real("127.0.0.1" if self.asked == 1 else SECRET_PLACE, port, *rest, **more)


def test_a_name_is_looked_up_once(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    name = ChangingName(monkeypatch)
    url = served.url.replace("localhost", "rebinding.test")
    assert send(HttpRequest("GET", url, allow_loopback=True), 5).body == b"<ok></ok>"
    assert name.asked == 1
    assert served.seen[0][1]["Host"].startswith("rebinding.test:")
    with pytest.raises(Refused, match="link-local"):
        send(HttpRequest("GET", url, allow_loopback=True), 5)


def bucket_client(url: str, *, allow_loopback: bool) -> Any:
    client = boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="y",
        config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}),
    )
    check_connections(client, allow_loopback=allow_loopback)
    return client


def test_a_buckets_connections_are_checked_one_by_one(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library behind it looks names up itself, whatever was checked before."""
    with closing(bucket_client(served.url, allow_loopback=True)) as client:
        client.list_objects_v2(Bucket="x")
    with (
        closing(bucket_client(served.url, allow_loopback=False)) as client,
        pytest.raises(BotoCoreError, match="this server itself"),
    ):
        client.list_objects_v2(Bucket="x")
    name = ChangingName(monkeypatch)
    url = served.url.replace("localhost", "rebinding.test")
    with closing(bucket_client(url, allow_loopback=True)) as client:
        client.list_objects_v2(Bucket="x")
    with (
        closing(bucket_client(url, allow_loopback=True)) as client,
        pytest.raises(BotoCoreError, match="link-local"),
    ):
        client.list_objects_v2(Bucket="x")
    assert name.asked > 1


def test_a_redirect_leads_no_further_than_an_address(served: Served) -> None:
    def away(path: str, headers: Mapping[str, str]) -> Answer:
        return 302, {"Location": places[path]}, b""

    places = {
        "/metadata": f"http://{SECRET_PLACE}/latest",
        "/decimal": "http://2852039166/latest",
        "/file": "file:///etc/passwd",
        "/share": "\\\\files.test\\share",
        "/other": "gopher://localhost/",
    }
    with serving(away) as server:
        for path in places:
            request = HttpRequest("GET", server.url + path, allow_loopback=True)
            with pytest.raises((Refused, OSError)), open_answer(request, 5):
                pass
    assert not served.seen


@pytest.mark.parametrize(
    "url",
    [
        *("\\\\files.test\\share", "//files.test/share", "file:///etc/passwd", "smb://files.test"),
        *("ldap://files.test", "gopher://files.test", "ftp://files.test", "", "http://", "text"),
    ],
)
def test_only_two_protocols_are_spoken(url: str) -> None:
    with pytest.raises(Refused, match="must begin with http"):
        send(HttpRequest("GET", url), 1)


def test_mail_goes_to_no_secret_place() -> None:
    settings = smtp.SmtpSettings(host=SECRET_PLACE, port=25, sender="o@example.test", timeout_s=1)
    with pytest.raises(Refused, match="link-local"):
        smtp.send(settings, ["a@example.test"], subject="x", body="x", is_html=False)


@contextmanager
def dripping(beginning: bytes, drop: bytes, every_s: float) -> Iterator[int]:
    """Serve one connection that says the beginning and then drops, for ever; gives the port."""
    is_over = threading.Event()

    def drip() -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.sendall(beginning)
            for _ in range(100_000):  # an end, for a client that would wait for it
                connection.sendall(drop)
                if is_over.wait(every_s):
                    return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            is_over.set()
            thread.join()


@pytest.mark.parametrize("beginning", [b"", b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: "])
def test_an_answer_that_only_drips_ends_with_the_limit(beginning: bytes) -> None:
    """Each byte comes in time; all together they would hold a worker for ever."""
    with dripping(beginning, b"x", 0.05) as port:
        request = HttpRequest("GET", f"http://127.0.0.1:{port}/", allow_loopback=True)
        with pytest.raises(TimeoutError, match=r"not complete after 0\.3 s"):
            send(request, 0.3)


def mail(port: int, timeout_s: float, encryption: str = "none") -> None:
    settings = smtp.SmtpSettings("127.0.0.1", port, "o@example.test", encryption)
    settings = replace(settings, timeout_s=timeout_s)
    smtp.send(settings, ["a@example.test"], subject="x", body="x", is_html=False)


@pytest.mark.parametrize("encryption", ["none", "starttls", "tls"])
@pytest.mark.parametrize(("beginning", "drop"), [(b"", b"2"), (b"220 hello\r\n", b"250-more\r\n")])
def test_a_mail_server_that_only_drips_ends_with_the_limit(
    beginning: bytes, drop: bytes, encryption: str
) -> None:
    expected = r"not complete after 0\.3 s|WRONG_VERSION_NUMBER"
    with dripping(beginning, drop, 0.05) as port, pytest.raises(OSError, match=expected):
        mail(port, 0.3, encryption)


def test_a_mail_server_that_talks_for_ever_is_left() -> None:
    answer = b"250-more\r\n" * 500
    expected = "the answer had no end"
    with dripping(b"220 hello\r\n", answer, 0) as port, pytest.raises(OSError, match=expected):
        mail(port, 20)

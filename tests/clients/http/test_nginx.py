"""nginx as it is documented: it sends packages itself, and nobody reaches them past the server."""

import hashlib
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message

import pytest

from tests.clients.feed_server import FeedServer, start_feed_server
from tests.factories.packages import zip_of
from tests.support.nginx import start_nginx
from tests.support.processes import Processes
from tests.support.server import API_KEY

DATA = zip_of({"a.bin": os.urandom(3_000_000)})
SHA256 = hashlib.sha256(DATA).hexdigest()
RAW = "/api/packages/packages-Acme.Web.1.0.0/raw"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Message
    body: bytes


def ask(url: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> Answer:
    sent = {"X-Octopus-ApiKey": API_KEY, **(headers or {})}
    request = urllib.request.Request(url, headers=sent, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return Answer(response.status, response.headers, response.read())
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.headers, error.read())


@pytest.fixture(scope="module")
def feed(session_processes: Processes, tmp_path_factory: pytest.TempPathFactory) -> FeedServer:
    """A feed that leaves its files to nginx."""
    folder = tmp_path_factory.mktemp("behind-nginx")
    environment = {"OCTOPUS_SEND_FILES": "x-accel-redirect"}
    return start_feed_server(session_processes, folder, environment)


@pytest.fixture(scope="module")
def nginx(
    feed: FeedServer, session_processes: Processes, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """The address of nginx in front of the feed; a package was pushed through it."""
    folder = tmp_path_factory.mktemp("nginx") / "run"
    storage = feed.server.data_dir / "storage"
    address = start_nginx(session_processes, folder, web_port=feed.server.web_port, storage=storage)
    request = urllib.request.Request(
        f"{address}/api/packages/raw?fileName=Acme.Web.1.0.0.zip",
        data=DATA,
        headers={"X-Octopus-ApiKey": API_KEY, "Content-Type": "application/octet-stream"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        assert response.status == 201
    return address


def test_nginx_sends_the_file_with_our_headers(feed: FeedServer, nginx: str) -> None:
    answer = ask(nginx + RAW)
    assert (answer.status, answer.body) == (200, DATA)
    assert answer.headers["ETag"] == f'"{SHA256}"'
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert 'filename="Acme.Web.1.0.0.zip"' in answer.headers["Content-Disposition"]
    # What the server itself says to such a request has no bytes: nginx has sent them.
    own = ask(feed.url + RAW, {"X-Sendfile-Type": "X-Accel-Redirect"})
    assert own.body == b""
    inside = f"{SHA256[:2]}/{SHA256[2:4]}/{SHA256}"
    assert own.headers["X-Accel-Redirect"] == f"/octopus-stored-files/{inside}"


@pytest.mark.parametrize(
    ("headers", "status", "expected"),
    [
        ({"Range": "bytes=5-9"}, 206, DATA[5:10]),
        ({"Range": "bytes=-7"}, 206, DATA[-7:]),
        ({"Range": f"bytes={len(DATA) - 3}-"}, 206, DATA[-3:]),
        ({"Range": f"bytes={len(DATA)}-"}, 416, None),
        ({"Range": "bytes=5-9", "If-Range": f'"{SHA256}"'}, 206, DATA[5:10]),
        ({"Range": "bytes=5-9", "If-Range": '"another"'}, 200, DATA),
        ({"If-None-Match": f'"{SHA256}"'}, 304, b""),
        ({"If-None-Match": '"another"'}, 200, DATA),
    ],
)
def test_parts_and_conditions(
    nginx: str, headers: dict[str, str], status: int, expected: bytes | None
) -> None:
    answer = ask(nginx + RAW, headers)
    assert answer.status == status
    assert expected is None or answer.body == expected


def test_the_head_of_a_file(nginx: str) -> None:
    answer = ask(nginx + RAW, method="HEAD")
    assert (answer.status, answer.headers["Content-Length"]) == (200, str(len(DATA)))
    assert answer.headers["ETag"] == f'"{SHA256}"'


@pytest.mark.parametrize(
    "path",
    [
        f"/octopus-stored-files/{SHA256[:2]}/{SHA256[2:4]}/{SHA256}",
        "/octopus-stored-files/",
        "/octopus-stored-files/../octopus.sqlite3",
        "/octopus-stored-files/%2e%2e/%2e%2e/octopus.sqlite3",
        "/octopus-stored-files../octopus.sqlite3",
    ],
)
def test_nobody_reaches_the_folder_by_its_address(nginx: str, path: str) -> None:
    answer = ask(nginx + path)
    assert answer.status in {400, 404}
    assert DATA[:100] not in answer.body
    assert b"SQLite format" not in answer.body


def test_who_may_not_read_gets_nothing_from_nginx_either(nginx: str) -> None:
    answer = ask(nginx + RAW, {"X-Octopus-ApiKey": "API-WRONG"})
    assert answer.status == 401
    assert "X-Accel-Redirect" not in answer.headers


def test_who_comes_past_nginx_gets_the_bytes_from_the_server(feed: FeedServer, nginx: str) -> None:
    assert ask(feed.url + RAW).body == DATA
    assert ask(feed.url + RAW, {"X-Sendfile-Type": "X-Sendfile"}).body == DATA
    assert nginx

"""What every feed on the web must do: who gets the credentials, and how failures read."""

import gzip
import json
import re
import socket
import time
from collections.abc import Mapping
from dataclasses import replace
from http.client import HTTPResponse

import pytest

from packages_feed.sources import FeedPlace, SourceFailed
from packages_feed.sources.web import FeedClient, whole
from tests.packages_feed.sources.servers import Answer, fetched, files, serving, source, versions


def test_credentials_go_to_the_feed_alone() -> None:
    other_seen: list[str | None] = []

    def other(path: str, headers: Mapping[str, str]) -> Answer:
        other_seen.append(headers.get("Authorization"))
        return 200, {}, b'{"versions": ["1.0.0"]}'

    with serving(other) as elsewhere:

        def answer(path: str, headers: Mapping[str, str]) -> Answer:
            base = {"@type": "PackageBaseAddress/3.0.0", "@id": f"{elsewhere.url}/flat"}
            return 200, {}, json.dumps({"resources": [base]}).encode()

        with serving(answer) as served:
            feed = source("NuGet", f"{served.url}/index.json", username="ana", password="secret")
            assert versions(feed, "Acme") == ["1.0.0"]
            assert "Authorization" in served.seen[0][1]
    assert other_seen == [None]


def test_credentials_never_go_to_a_less_encrypted_address() -> None:
    place = FeedPlace("NuGet", "https://localhost/index.json", "ana", "secret", allow_loopback=True)
    seen = []

    def answer(path: str, headers: Mapping[str, str]) -> Answer:
        seen.append(headers.get("Authorization"))
        return 200, {}, b"{}"

    with serving(answer) as served:
        netloc = served.url.removeprefix("http://")
        FeedClient(replace(place, uri=f"https://{netloc}/index.json")).json(f"{served.url}/x")
        FeedClient(replace(place, uri=f"{served.url}/index.json")).json(f"{served.url}/x")
    assert seen[0] is None
    assert seen[1] is not None


def test_credentials_that_cannot_be_sent_are_not_told() -> None:
    with serving(files({})) as served, pytest.raises(SourceFailed, match="characters") as caught:
        source("GitHub", served.url, password="hush-hush\n").versions("acme/web")
    assert "hush" not in caught.value.message


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((401, {}, b""), "other credentials"),
        ((403, {}, b""), "refuses access"),
        ((500, {}, b""), "status 500"),
        ((200, {}, b"<html>"), "not JSON"),
        ((200, {}, b"[" * 100_000), "not JSON"),
        ((200, {"Content-Encoding": "gzip"}, b"no gzip"), "cannot be asked"),
        ((200, {"Content-Encoding": "gzip"}, gzip.compress(b" " * (40 << 20))), "larger than"),
    ],
)
def test_what_goes_wrong_is_said_plainly(answer: Answer, words: str) -> None:
    with (
        serving(lambda *_: answer) as served,
        pytest.raises(SourceFailed, match=words) as caught,
    ):
        source("NuGet", f"{served.url}/index.json", username="u", password="hush").versions("A")
    assert "hush" not in caught.value.message


def test_a_download_that_ends_early_fails() -> None:
    with (
        serving(lambda *_: (200, {"Content-Length": "9"}, b"part")) as served,
        pytest.raises(SourceFailed, match="4 of 9 bytes"),
    ):
        fetched(source("GitHub", served.url), "acme/web", "1.0.0")


def test_a_slow_answer_ends_with_the_time_of_all_answers() -> None:
    near, far = socket.socketpair()
    with near, far:
        near.settimeout(5)
        far.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart")
        with HTTPResponse(near) as response:
            response.begin()
            with pytest.raises(SourceFailed, match="has not answered within"):
                whole(response, "feed", end=time.monotonic() - 1)


@pytest.mark.parametrize(
    ("kind", "content", "says"),
    [
        ("GitHub", {"/rate_limit": b'{"rate": {"limit": 60, "remaining": 58}}'}, "58 of 60"),
        ("GitHub", {"/rate_limit": b"[]"}, "does not say"),
        ("GitHub", {}, "404"),
        ("Maven", {"/": b"<html></html>"}, "It answers; whether"),
        ("Maven", {}, r"does not show its root \(404\)"),
        ("Docker", {"/v2/": b"{}"}, "does not say that it is one"),
        ("Docker", {}, "404"),
        ("NuGet", {}, "404"),
    ],
)
def test_a_feed_is_tried_without_a_package(kind: str, content: dict[str, bytes], says: str) -> None:
    with serving(files(content)) as served:
        try:
            text = source(kind, served.url).check()
        except SourceFailed as error:
            text = error.message
    assert re.search(says, text), text

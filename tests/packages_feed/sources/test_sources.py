"""What each kind of external feed answers, from servers that speak its protocol."""

import base64
import gzip
import hashlib
import json
import re
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import pytest

from deployments.base.errors import Invalid
from packages_feed.sources import (
    FeedPlace,
    Found,
    NotThere,
    Source,
    SourceFailed,
    docker,
    require_place,
    source_at,
)
from packages_feed.sources.base import newest_first
from packages_feed.sources.web import FeedClient, whole
from tests.factories.packages import zip_of
from tests.packages_feed.sources.servers import Answer, Served, files, serving

JAR = zip_of({"a.txt": b"1"})
METADATA = (
    b"<metadata><groupId>com.acme</groupId><versioning><versions>"
    b"<version>1.0</version><version>1.10</version><version>1.9</version>"
    b"<version>2.0-SNAPSHOT</version><version>2.0.0.Final</version>"
    b"</versions></versioning></metadata>"
)
SNAPSHOT = (
    b"<metadata><versioning><snapshotVersions><snapshotVersion><extension>jar</extension>"
    b"<value>2.0-20260102.030405-7</value></snapshotVersion></snapshotVersions></versioning>"
    b"</metadata>"
)
# Of Maven 2; and in a namespace, as the newest write it.
OLD_SNAPSHOT = (
    b"<metadata><versioning><snapshot><timestamp>20090102.030405</timestamp>"
    b"<buildNumber>3</buildNumber></snapshot></versioning></metadata>"
)
SPACED = (
    b'<metadata xmlns="http://maven.apache.org/METADATA/1.1.0"><versioning><versions>'
    b"<version>1.0-SNAPSHOT</version></versions></versioning></metadata>"
)
SPACED_SNAPSHOT = SNAPSHOT.replace(
    b"<metadata>", b'<metadata xmlns="http://maven.apache.org/METADATA/1.1.0">'
).replace(b"2.0-", b"1.0-")
FOLDER = "/m2/com/acme/web"


def source(kind: str, uri: str, **values: object) -> Source:
    return source_at(FeedPlace(kind, uri, allow_loopback=True, **values))  # type: ignore[arg-type]  # given by name


def versions(from_: Source, package_id: str) -> list[str]:
    return [each.version for each in newest_first(from_.versions(package_id))]


def fetched(from_: Source, package_id: str, version: str) -> tuple[str, bytes, Mapping[str, str]]:
    with from_.open(package_id, version) as opened:
        return opened.extension, b"".join(opened.pieces), opened.checksums


@pytest.fixture
def maven() -> Iterator[Served]:
    content = {
        f"{FOLDER}/maven-metadata.xml": METADATA,
        f"{FOLDER}/1.10/web-1.10.jar": JAR,
        f"{FOLDER}/1.10/web-1.10.jar.sha1": hashlib.sha1(JAR).hexdigest().encode(),
        f"{FOLDER}/1.10/web-1.10-sources.zip": b"zip",
        f"{FOLDER}/2.0-SNAPSHOT/maven-metadata.xml": SNAPSHOT,
        f"{FOLDER}/2.0-SNAPSHOT/web-2.0-20260102.030405-7.jar": b"newest",
        f"{FOLDER}/0.1-SNAPSHOT/maven-metadata.xml": OLD_SNAPSHOT,
        f"{FOLDER}/0.1-SNAPSHOT/web-0.1-20090102.030405-3-src.zip": b"old",
        "/m2/com/acme/new/maven-metadata.xml": SPACED,
        "/m2/com/acme/new/1.0-SNAPSHOT/maven-metadata.xml": SPACED_SNAPSHOT,
        "/m2/com/acme/new/1.0-SNAPSHOT/new-1.0-20260102.030405-7.jar": b"spaced",
        "/m2/com/acme/evil/maven-metadata.xml": b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
    }
    with serving(files(content)) as served:
        yield served


def test_maven_lists_what_can_be_read_as_a_version(maven: Served) -> None:
    repository = source("Maven", f"{maven.url}/m2/")
    assert versions(repository, "com.acme:web") == ["2.0-SNAPSHOT", "1.10", "1.9", "1.0"]
    assert [hit.package_id for hit in repository.search("com.acme:web", 10)] == ["com.acme:web"]
    assert repository.search("com.acme:nothing", 10) == []


def test_maven_gives_artifacts_with_their_checksum(maven: Served) -> None:
    repository = source("Maven", f"{maven.url}/m2")
    checksums = {"sha1": hashlib.sha1(JAR).hexdigest()}
    assert fetched(repository, "com.acme:web", "1.10") == (".jar", JAR, checksums)
    assert fetched(repository, "com.acme:web:zip:sources", "1.10") == (".zip", b"zip", {})
    assert fetched(repository, "com.acme:web", "2.0-SNAPSHOT")[1] == b"newest"
    assert fetched(repository, "com.acme:web:zip:src", "0.1-SNAPSHOT")[1] == b"old"
    assert versions(repository, "com.acme:new") == ["1.0-SNAPSHOT"]
    assert fetched(repository, "com.acme:new", "1.0-SNAPSHOT")[1] == b"spaced"


def test_maven_refuses_other_ids_and_entities(maven: Served) -> None:
    repository = source("Maven", f"{maven.url}/m2")
    with pytest.raises(NotThere, match="group:artifact"):
        repository.versions("web")
    with pytest.raises(SourceFailed, match="is not XML"):
        repository.versions("com.acme:evil")


class Registry:
    """A registry with two pages of tags that wants a token, for which it wants a password."""

    def __init__(self) -> None:
        self.url = ""

    def __call__(self, path: str, headers: Mapping[str, str]) -> Answer:
        sent = headers.get("Authorization", "")
        if path.startswith("/token"):
            pair = base64.b64encode(b"ana:secret").decode()
            scopes = ("repository%3Aacme%2Fweb%3Apull", "registry%3Acatalog%3A%2A")
            is_right = sent == f"Basic {pair}" and path.rpartition("scope=")[2] in scopes
            return (200, {}, b'{"token": "t1"}') if is_right else (401, {}, b"{}")
        if sent != "Bearer t1":
            asked = f'Bearer realm="{self.url}/token",service="registry"'
            return 401, {"WWW-Authenticate": asked}, b"{}"
        if path == "/v2/":
            return 200, {"Docker-Distribution-Api-Version": "registry/2.0"}, b"{}"
        if path.endswith("last=1.0.0"):
            return 200, {}, b'{"tags": ["1.1.0"]}'
        if path.startswith("/v2/acme/web/tags/list"):
            following = {"Link": '</v2/acme/web/tags/list?last=1.0.0>; rel="next"'}
            return 200, following, b'{"tags": ["latest", "1.0.0"]}'
        return 404, {}, b"{}"


def test_a_registry_gives_tags_for_a_token() -> None:
    answers = Registry()
    with serving(answers) as served:
        answers.url = served.url
        registry = source("Docker", served.url, username="ana", password="secret")
        assert registry.check() == "It is a container registry."
        assert versions(registry, "acme/web") == ["1.1.0", "1.0.0"]
        prefixed = source(
            "Docker",
            served.url,
            username="ana",
            password="secret",
            settings={"RegistryPath": "acme"},
        )
        assert versions(prefixed, "web") == ["1.1.0", "1.0.0"]
        with pytest.raises(SourceFailed, match="no token"):
            source("Docker", served.url, username="ana", password="x").versions("acme/web")
        with pytest.raises(SourceFailed, match="no token"):
            source("Docker", served.url, username="ana", password="x").check()
        with pytest.raises(SourceFailed, match="pull themselves"):
            fetched(registry, "acme/web", "1.0.0")


def test_a_registry_without_sign_in_has_a_catalogue() -> None:
    content = {"/v2/_catalog?n=1000": b'{"repositories": ["acme/web", "other"]}'}
    with serving(files(content)) as served:
        registry = source("Docker", served.url)
        assert [hit.package_id for hit in registry.search("WEB", 10)] == ["acme/web"]
        with pytest.raises(NotThere):
            registry.versions("nothing")


def test_github_gives_tags_notes_and_source() -> None:
    tags = [{"name": f"v1.{number}.0"} for number in range(100)]
    content = {
        "/repos/acme/web/tags?per_page=100&page=1": json.dumps(tags).encode(),
        "/repos/acme/web/tags?per_page=100&page=2": b'[{"name": "v2.0.0-rc.1"}, {"name": "old"}]',
        "/repos/acme/web/releases/tags/v1.5.0": b'{"body": "Better"}',
        "/repos/acme/web/zipball/v1.5.0": b"source",
        "/search/repositories?q=web+user%3Aacme&per_page=5": (
            b'{"items": [{"full_name": "acme/web"}]}'
        ),
    }
    with serving(files(content)) as served:
        github = source("GitHub", served.url, password="token")
        found = versions(github, "acme/web")
        assert (len(found), found[0], found[-1]) == (101, "v2.0.0-rc.1", "v1.0.0")
        assert github.notes("acme/web", "v1.5.0") == "Better"
        assert github.notes("acme/web", "v1.6.0") == ""
        assert fetched(github, "acme/web", "v1.5.0")[:2] == (".zip", b"source")
        assert [hit.package_id for hit in github.search("acme/web", 5)] == ["acme/web"]
        assert {headers["Authorization"] for _, headers in served.seen} == {"Bearer token"}
        with pytest.raises(NotThere, match="owner/repository"):
            github.versions("web")


def test_a_third_nuget_feed_hides_unlisted_versions_and_may_pack_its_answers() -> None:
    entries = [
        {"catalogEntry": {"version": "1.0.0", "published": "2026-01-01T00:00:00Z"}},
        {"catalogEntry": {"version": "1.1.0", "listed": False}},
        {"catalogEntry": {"version": "1.2.0", "published": "1900-01-01T00:00:00Z"}},
    ]

    def answer(path: str, headers: Mapping[str, str]) -> Answer:
        document: dict[str, Any]
        if path == "/index.json":
            resources = [{"@type": "RegistrationsBaseUrl/3.6.0", "@id": f"{served.url}/r/"}]
            return 200, {}, json.dumps({"resources": resources}).encode()
        if path == "/r/acme.web/index.json":
            document = {"items": [{"@id": f"{served.url}/page"}]}
        elif path == "/page":
            document = {"items": entries}
        else:
            return 404, {}, b""
        return 200, {"Content-Encoding": "gzip"}, gzip.compress(json.dumps(document).encode())

    with serving(answer) as served:
        feed = source("NuGet", f"{served.url}/index.json")
        assert feed.versions("Acme.Web") == [Found("1.0.0", "2026-01-01T00:00:00Z")]
        with pytest.raises(NotThere):
            feed.versions("Other")


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


def test_the_server_itself_is_no_feed_unless_allowed() -> None:
    with serving(files({})) as served, pytest.raises(SourceFailed, match="this server itself"):
        source_at(FeedPlace("Maven", served.url)).versions("com.acme:web")
    with pytest.raises(SourceFailed, match="link-local"):
        source_at(FeedPlace("GitHub", "http://169.254.169.254")).versions("a/b")


def test_a_folder_gives_its_packages_and_no_others(tmp_path: Path) -> None:
    feeds = tmp_path / "feeds"
    (feeds / "acme" / "1").mkdir(parents=True)
    (feeds / "Acme.Web.1.0.0.zip").write_bytes(JAR)
    (feeds / "acme" / "1" / "acme.web.1.1.0-rc.1.nupkg").write_bytes(b"deeper")
    (feeds / "readme.txt").write_bytes(b"x")
    (tmp_path / "secret.1.0.0.zip").write_bytes(b"secret")
    (feeds / "secret.1.0.0.zip").symlink_to(tmp_path / "secret.1.0.0.zip")
    folder = source("NuGet", str(feeds), folders=(str(tmp_path / "feeds"),))
    assert "named as packages are" in folder.check()
    assert versions(folder, "Acme.Web") == ["1.1.0-rc.1", "1.0.0"]
    assert fetched(folder, "acme.web", "1.0")[:2] == (".zip", JAR)
    assert [hit.package_id.lower() for hit in folder.search("WEB", 9)] == ["acme.web"]
    with pytest.raises(NotThere):
        folder.versions("secret")
    for uri in (str(tmp_path), f"{feeds}/../", "/etc", "file:///etc"):
        with pytest.raises(SourceFailed, match="OCTOPUS_FEED_FOLDERS"):
            source("NuGet", uri, folders=(str(feeds),)).versions("secret")


@pytest.mark.parametrize(
    ("kind", "uri"),
    [
        ("NuGet", "https://api.nuget.org/v3/index.json"),
        ("NuGet", "http://10.0.0.4:8081/nuget/"),
        ("Docker", "https://registry.example.com"),
        ("S3", ""),
    ],
)
def test_addresses_that_are_taken(kind: str, uri: str) -> None:
    require_place(FeedPlace(kind, uri))


@pytest.mark.parametrize(
    ("kind", "uri"),
    [
        ("NuGet", ""),
        ("NuGet", "ftp://example.com/"),
        ("NuGet", "file:///etc"),
        ("NuGet", "\\\\server\\share"),
        ("Maven", "/srv/maven"),
        ("Maven", "https://ana:secret@example.com"),
        ("Maven", "https://example.com/?token=x"),
        ("Docker", "https://exa mple.com"),
        ("GitHub", "https://[::1"),
        ("S3", "s3://bucket"),
        ("Maven", f"https://example.com/{'x' * 2000}"),
    ],
)
def test_addresses_that_are_refused(kind: str, uri: str) -> None:
    with pytest.raises(Invalid) as caught:
        require_place(FeedPlace(kind, uri))
    assert list(caught.value.fields) == ["FeedUri"]


def test_the_token_of_docker_hub_goes_to_its_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(path: str, headers: Mapping[str, str]) -> Answer:
        if path.startswith("/token"):
            return 200, {}, b'{"token": "t"}'
        if headers.get("Authorization") != "Bearer t":
            return 401, {"WWW-Authenticate": f'Bearer realm="{served.url}/token"'}, b""
        return 200, {}, b'{"tags": ["1.0.0"]}'

    with serving(answer) as served:
        monkeypatch.setattr(docker, "_HUB_URI", served.url)
        hub = source("Docker", "https://index.docker.io")
        assert versions(hub, "alpine") == ["1.0.0"]
    assert served.seen[-1][0].startswith("/v2/library/alpine/")


def test_credentials_that_cannot_be_sent_are_not_told() -> None:
    with serving(files({})) as served, pytest.raises(SourceFailed, match="characters") as caught:
        source("GitHub", served.url, password="hush-hush\n").versions("acme/web")
    assert "hush" not in caught.value.message


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
    "document", [{"x": 1}, {"resources": [{"@type": "a", "@id": "http://[x"}]}]
)
def test_an_answer_of_another_form_does_not_mean_that_nothing_is_there(document: Any) -> None:
    body = json.dumps(document).encode()
    with serving(lambda *_: (200, {}, body)) as served, pytest.raises(SourceFailed) as caught:
        source("NuGet", f"{served.url}/index.json").versions("Acme")
    assert not isinstance(caught.value, NotThere)


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

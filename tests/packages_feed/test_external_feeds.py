"""External feeds over REST and in the services: adding, changing, reading, fetching."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from unittest.mock import patch

import pytest
from django.test import Client

from deployments.base.clock import Clock
from deployments.base.models import Event
from deployments.base.settings_rows import set_setting
from packages_feed.models import Feed, FeedListing, FetchedPackage, StoredBlob
from packages_feed.queries.catalogue import catalogue, has_version
from packages_feed.services.asking import refresh
from packages_feed.services.blobs import sweep_unused_blobs
from packages_feed.services.external_feeds import FeedValues, change_feed, create_feed
from packages_feed.services.fetching import fetch_package, forget_unused, want_package
from packages_feed.storage import package_storage
from tests.factories import default_space, make_ana, make_ben, make_cleo, make_dan, make_space
from tests.factories.packages import zip_of
from tests.factories.people import SYSTEM
from tests.packages_feed.sources.servers import Answer, Served, serving

pytestmark = pytest.mark.django_db

NOW = datetime.fromisoformat("2026-03-01T12:00:00+00:00")
JAR = zip_of({"a.txt": b"1"})
FOLDER = "/com/acme/web"


class Repository:
    """A Maven repository whose content a test changes."""

    def __init__(self) -> None:
        self.content = {
            f"{FOLDER}/maven-metadata.xml": metadata("1.0", "1.1"),
            f"{FOLDER}/1.1/web-1.1.jar": JAR,
        }
        self.is_down = False

    def __call__(self, path: str, headers: Mapping[str, str]) -> Answer:
        if self.is_down:
            return 500, {}, b""
        body = self.content.get(path)
        return (200, {}, body) if body is not None else (404, {}, b"")


def fixed(moment: datetime) -> Clock:
    """Return a clock that stands still."""
    return lambda: moment


def metadata(*versions: str) -> bytes:
    listed = "".join(f"<version>{version}</version>" for version in versions)
    return f"<metadata><versioning><versions>{listed}</versions></versioning></metadata>".encode()


@pytest.fixture
def repository() -> Repository:
    return Repository()


@pytest.fixture
def served(repository: Repository) -> Iterator[Served]:
    set_setting("http_request.allow_loopback", value=True)
    with serving(repository) as running:
        yield running


@pytest.fixture
def feed(served: Served) -> Feed:
    return create_feed(
        actor=SYSTEM,
        space=default_space(),
        feed_type="Maven",
        values=FeedValues("Repository", served.url, "ana", "hush-hush"),
    )


@pytest.fixture
def ana() -> Client:
    return make_ana().api


def url(rest: str = "") -> str:
    return f"/api/{default_space().public_id}/feeds{rest}"


def send(client: Client, method: str, path: str, **body: Any) -> Any:
    return getattr(client, method)(path, json.dumps(body), content_type="application/json")


def test_a_feed_is_added_read_changed_and_deleted(ana: Client) -> None:
    added = send(
        ana,
        "post",
        url(),
        Name="Registry",
        FeedType="Docker",
        FeedUri="https://registry.example.com",
        Username="ana",
        Password={"HasValue": True, "NewValue": "hush-hush"},
        RegistryPath="acme",
    )
    assert added.status_code == 201, added.content
    body = added.json()
    assert body["FeedUri"] == "https://registry.example.com"
    assert body["Password"] == {"HasValue": True, "NewValue": None}
    assert (body["RegistryPath"], body["Slug"]) == ("acme", "registry")
    assert body["PackageAcquisitionLocationOptions"] == ["NotAcquired"]
    own = body["Links"]["Self"]
    changed = send(ana, "put", own, **{**body, "Name": "Images"})
    assert (changed.status_code, changed.json()["Name"]) == (200, "Images")
    row = Feed.objects.in_space(default_space()).get(name="Images")
    assert row.sealed_password is not None
    assert b"hush-hush" not in bytes(row.sealed_password)
    assert ana.delete(own).status_code == 200
    assert ana.get(own).status_code == 404
    texts = [f"{event.message} {event.changes}" for event in Event.objects.all()]
    assert any("Feed Images was deleted" in text for text in texts)
    assert not any("hush" in text for text in texts)


def test_another_address_needs_the_password_again(ana: Client, feed: Feed) -> None:
    body = ana.get(url(f"/{feed.public_id}")).json()
    moved = {**body, "FeedUri": "https://elsewhere.example.com"}
    refused = send(ana, "put", url(f"/{feed.public_id}"), **moved)
    assert refused.status_code == 400
    assert "Enter the password again" in refused.json()["Errors"][0]
    sent = {**moved, "Password": {"HasValue": True, "NewValue": "other"}}
    assert send(ana, "put", url(f"/{feed.public_id}"), **sent).status_code == 200


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"FeedType": "Gopher", "FeedUri": "https://example.com"}, "types"),
        ({"FeedType": "Maven", "FeedUri": "file:///etc/passwd"}, "address"),
        ({"FeedType": "Maven", "FeedUri": ""}, "address"),
        ({"FeedType": "NuGet", "FeedUri": "/etc"}, "OCTOPUS_FEED_FOLDERS"),
        ({"FeedType": "Maven", "FeedUri": "https://a.example.com", "Name": ""}, "Name"),
        ({"FeedType": "Maven", "FeedUri": "https://a.example.com", "Name": "REPOSITORY"}, "exists"),
        ({"FeedType": "Maven", "FeedUri": "https://a.example.com", "Password": [1]}, "Password"),
        (
            {"FeedType": "Maven", "FeedUri": "https://a.example.com", "Username": "x" * 300},
            "at most",
        ),
    ],
)
@pytest.mark.usefixtures("feed")
def test_bad_values_are_refused(ana: Client, values: dict[str, Any], field: str) -> None:
    answer = send(ana, "post", url(), **{"Name": "New", **values})
    assert answer.status_code == 400
    assert field in " ".join(answer.json()["Errors"])


def test_who_may(feed: Feed) -> None:
    path = url(f"/{feed.public_id}")
    body = {"Name": "x", "FeedType": "Maven", "FeedUri": "https://example.com"}
    for person, reads in (
        (make_ben(default_space()), 200),
        (make_cleo(default_space()), 404),
        (make_dan(make_space()), 404),
    ):
        assert person.api.get(path).status_code == reads
        assert send(person.api, "post", url(), **body).status_code in {403, 404}
        assert person.api.delete(path).status_code in {403, 404}


def test_versions_are_read_and_kept_for_a_while(
    ana: Client, feed: Feed, repository: Repository, served: Served
) -> None:
    path = url(f"/{feed.public_id}/packages/versions?packageId=com.acme:web")
    assert [each["Version"] for each in ana.get(path).json()["Items"]] == ["1.1", "1.0"]
    asked = len(served.seen)
    ranged = ana.get(f"{path}&versionRange=[1.0]").json()
    assert [each["Version"] for each in ranged["Items"]] == ["1.0"]
    assert len(served.seen) == asked
    hits = ana.get(url(f"/{feed.public_id}/packages/search?term=com.acme:web")).json()
    assert [hit["Id"] for hit in hits["Items"]] == ["com.acme:web"]
    newest = ana.get(url(f"/{feed.public_id}/packages?packageId=com.acme:web")).json()
    assert [each["Version"] for each in newest] == ["1.1"]
    unknown = ana.get(url(f"/{feed.public_id}/packages/versions?packageId=com.acme:other"))
    assert unknown.json()["Items"] == []
    repository.is_down = True
    other = ana.get(url(f"/{feed.public_id}/packages/versions?packageId=com.acme:third"))
    assert other.status_code == 503
    assert "status 500" in other.json()["ErrorMessage"]


def test_versions_are_read_by_the_rules_of_the_kind(
    ana: Client, feed: Feed, repository: Repository
) -> None:
    told = ("2.0.0.Final", "10-jre", "2.1-SNAPSHOT", "2.0.0.CR1", "not a version")
    repository.content[f"{FOLDER}/maven-metadata.xml"] = metadata(*told)
    path = url(f"/{feed.public_id}/packages/versions?packageId=com.acme:web")

    def listed(query: str) -> list[str]:
        return [each["Version"] for each in ana.get(path + query).json()["Items"]]

    assert listed("") == ["10-jre", "2.1-SNAPSHOT", "2.0.0.Final", "2.0.0.CR1"]
    assert listed("&includePreRelease=false") == ["10-jre", "2.0.0.Final"]
    assert listed("&versionRange=[2.0,2.1)") == ["2.1-SNAPSHOT", "2.0.0.Final"]
    assert listed("&versionRange=2.0.5") == listed("")
    assert ana.get(f"{path}&versionRange=(x").status_code == 400
    assert has_version(feed, "com.acme:web", "2.0.0.Final")
    assert not has_version(feed, "com.acme:web", "2.0")
    row, _ = want_package(feed, "com.acme:web", "2.0.0.CR1", since=NOW)
    assert row.version_lower == "2.0.0.CR1"


def test_what_was_told_stays_while_the_feed_is_away(feed: Feed, repository: Repository) -> None:
    refresh([(feed, "com.acme:web")], clock=lambda: NOW)
    repository.is_down = True
    refresh([(feed, "com.acme:web")], clock=lambda: NOW + timedelta(minutes=6))
    known = catalogue(feed, "COM.acme:web")
    assert [version.original for version in known.versions] == ["1.1", "1.0"]
    assert known.told == NOW
    assert "status 500" in known.problem
    repository.is_down = False
    repository.content[f"{FOLDER}/maven-metadata.xml"] = metadata("1.2")
    refresh([(feed, "com.acme:web")], clock=lambda: NOW + timedelta(minutes=7))
    known = catalogue(feed, "com.acme:web")
    assert ([version.original for version in known.versions], known.problem) == (["1.2"], "")


def test_a_silent_feed_is_asked_once(feed: Feed, repository: Repository, served: Served) -> None:
    repository.is_down = True
    refresh([(feed, f"com.acme:{name}") for name in "abc"])
    assert len(served.seen) == 1
    assert FeedListing.objects.filter(feed=feed).count() == 1


def test_a_package_is_fetched_once_and_stored_by_its_hash(feed: Feed, served: Served) -> None:
    row, is_begun = want_package(feed, "com.acme:web", "1.1", since=NOW, clock=lambda: NOW)
    assert is_begun
    fetch_package(row.pk, clock=lambda: NOW)
    row.refresh_from_db()
    assert (row.blob_id, row.extension) == (hashlib.sha256(JAR).hexdigest(), ".jar")
    assert b"".join(package_storage().open(str(row.blob_id))) == JAR
    asked = len(served.seen)
    again, is_begun = want_package(feed, "com.acme:web", "1.1", since=NOW, clock=lambda: NOW)
    fetch_package(row.pk, clock=lambda: NOW)
    assert (again.pk, is_begun, len(served.seen)) == (row.pk, False, asked)


def test_a_fetch_is_tried_again_after_a_pause_and_given_up(
    feed: Feed, repository: Repository, served: Served
) -> None:
    repository.is_down = True
    now = NOW
    row, _ = want_package(feed, "com.acme:web", "1.1", since=now, clock=lambda: now)
    pauses = []
    for _ in range(5):
        fetch_package(row.pk, clock=fixed(now))
        asked = len(served.seen)
        fetch_package(row.pk, clock=fixed(now))
        assert len(served.seen) == asked
        row.refresh_from_db()
        pauses.append((row.due - now).total_seconds())
        now = row.due
    assert pauses == [10, 20, 30, 40, 50]
    assert row.given_up is not None
    assert "status 500" in row.problem
    kept, is_begun = want_package(feed, "com.acme:web", "1.1", since=NOW, clock=lambda: now)
    assert (kept.given_up, is_begun) == (row.given_up, False)
    repository.is_down = False
    later, is_begun = want_package(feed, "com.acme:web", "1.1", since=now, clock=lambda: now)
    assert (later.given_up, is_begun) == (None, True)
    fetch_package(row.pk, clock=lambda: now)
    row.refresh_from_db()
    assert row.blob_id is not None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"web-9.jar": b"no archive"}, "not a zip archive"),
        ({"web-9.jar": JAR, "web-9.jar.sha1": b"0" * 40}, "does not have the sha1"),
        ({"web-9.jar": JAR, "web-9.jar.sha256": b"<html>"}, "not a checksum"),
        ({"web-9.jar": zip_of({"../../etc/x": b"1"})}, "out of"),
    ],
)
def test_what_is_not_the_package_is_not_kept(
    feed: Feed, repository: Repository, content: dict[str, bytes], words: str
) -> None:
    repository.content |= {f"{FOLDER}/9/{name}": body for name, body in content.items()}
    row, _ = want_package(feed, "com.acme:web", "9", since=NOW, clock=lambda: NOW)
    fetch_package(row.pk, clock=lambda: NOW)
    row.refresh_from_db()
    assert (row.blob_id, words in row.problem) == (None, True), row.problem
    assert not StoredBlob.objects.exists()


def test_what_nobody_wants_goes_after_a_month(
    feed: Feed, django_capture_on_commit_callbacks: Any
) -> None:
    row, _ = want_package(feed, "com.acme:web", "1.1", since=NOW, clock=lambda: NOW)
    fetch_package(row.pk, clock=lambda: NOW)
    assert forget_unused(clock=lambda: NOW + timedelta(days=30)) == 0
    with django_capture_on_commit_callbacks(execute=True):
        assert forget_unused(clock=lambda: NOW + timedelta(days=31)) == 1
    assert not FetchedPackage.objects.exists()
    assert not StoredBlob.objects.exists()


def test_what_a_worker_notes_meanwhile_is_kept(feed: Feed, repository: Repository) -> None:
    repository.is_down = True
    row, _ = want_package(feed, "com.acme:web", "1.1", since=NOW, clock=lambda: NOW)
    stale = FetchedPackage.objects.get(pk=row.pk)
    fetch_package(row.pk, clock=lambda: NOW)
    later = NOW + timedelta(hours=2)
    with patch.object(FetchedPackage.objects, "get_or_create", return_value=(stale, False)):
        want_package(feed, "com.acme:web", "1.1", since=NOW, clock=lambda: later)
    row.refresh_from_db()
    assert (row.attempts, row.used) == (1, later)


def test_an_unexpected_failure_is_an_attempt_too(feed: Feed) -> None:
    row, _ = want_package(feed, "com.acme:web", "1.1", since=NOW, clock=lambda: NOW)
    with patch("packages_feed.services.fetching.store_bytes", side_effect=RuntimeError):
        fetch_package(row.pk, clock=lambda: NOW)
    row.refresh_from_db()
    assert (row.attempts, row.due) == (1, NOW + timedelta(seconds=10))
    assert "failed in the server" in row.problem


def test_what_is_wanted_anew_is_fetched_again_once(feed: Feed, repository: Repository) -> None:
    before, since = NOW - timedelta(hours=1), NOW
    row, _ = want_package(feed, "com.acme:web", "1.1", since=before, clock=lambda: before)
    fetch_package(row.pk, clock=lambda: before)
    other = zip_of({"a.txt": b"2"})
    repository.content[f"{FOLDER}/1.1/web-1.1.jar"] = other
    kept, is_begun = want_package(feed, "com.acme:web", "1.1", since=since, clock=lambda: NOW)
    assert (kept.blob_id, is_begun) == (hashlib.sha256(JAR).hexdigest(), False)
    begun = []
    for _ in range(3):
        _, is_begun = want_package(
            feed, "com.acme:web", "1.1", since=since, anew=True, clock=lambda: NOW
        )
        fetch_package(row.pk, clock=lambda: NOW)
        begun.append(is_begun)
    row.refresh_from_db()
    assert (begun, row.blob_id) == ([True, False, False], hashlib.sha256(other).hexdigest())
    assert sweep_unused_blobs(clock=lambda: NOW + timedelta(hours=23)) == 0
    assert sweep_unused_blobs(clock=lambda: NOW + timedelta(hours=25)) == 1


def test_another_address_forgets_what_was_fetched(feed: Feed) -> None:
    long_ago = NOW - timedelta(days=20)
    row, _ = want_package(feed, "com.acme:web", "1.1", since=long_ago, clock=lambda: long_ago)
    fetch_package(row.pk, clock=lambda: long_ago)
    same = FeedValues(feed.name, feed.uri, feed.username, settings=feed.settings)
    change_feed(actor=SYSTEM, feed=feed, values=same, clock=lambda: NOW)
    assert FetchedPackage.objects.filter(pk=row.pk).exclude(blob=None).exists()
    moved = FeedValues(feed.name, "https://elsewhere.example.com", password="")
    change_feed(actor=SYSTEM, feed=feed, values=moved, clock=lambda: NOW)
    assert not FetchedPackage.objects.exists()
    # Agents of tasks that are under way may still ask for the bytes.
    assert sweep_unused_blobs(clock=lambda: NOW + timedelta(hours=23)) == 0
    assert sweep_unused_blobs(clock=lambda: NOW + timedelta(hours=25)) == 1


def test_a_long_fetch_keeps_its_claim(feed: Feed) -> None:
    row, _ = want_package(feed, "com.acme:web", "1.1", since=NOW, clock=lambda: NOW)
    moments = (NOW + timedelta(minutes=10 * number) for number in count())
    fetch_package(row.pk, clock=lambda: next(moments))
    row.refresh_from_db()
    assert row.blob_id is not None
    assert row.due > next(moments) - timedelta(minutes=30)

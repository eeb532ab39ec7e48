"""Maven repositories as feeds."""

import hashlib
from collections.abc import Iterator

import pytest

from packages_feed.sources import NotThere, SourceFailed
from tests.factories.packages import zip_of
from tests.packages_feed.sources.servers import Served, fetched, files, serving, source, versions

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

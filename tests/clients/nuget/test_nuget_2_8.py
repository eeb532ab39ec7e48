"""Debian's nuget 2.8 against the feed: push, list, install, delete."""

import zipfile
from pathlib import Path

import pytest

from tests.clients.feed_server import FeedServer, write_package
from tests.factories.packages import nupkg
from tests.support.clients import Client

ADDRESSES = ["/nuget/packages", "/nuget/packages/", "/api/v2/package", "/nuget/v3/package"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_push(feed: FeedServer, nuget: Client, tmp_path: Path, address: str) -> None:
    push(feed, nuget, tmp_path, address)


def test_push_to_s3(feed_on_s3: FeedServer, nuget: Client, tmp_path: Path) -> None:
    push(feed_on_s3, nuget, tmp_path, ADDRESSES[0])


def push(feed: FeedServer, nuget: Client, tmp_path: Path, address: str) -> None:
    package_id = f"Old.Push{ADDRESSES.index(address)}"
    package = write_package(tmp_path, package_id, "1.0.0")
    result = nuget.run("push", package.name, feed.key, "-Source", feed.url + address, cwd=tmp_path)
    assert "Your package was pushed" in result.stdout
    assert feed.versions(package_id) == ["1.0.0"]
    status, _, data = feed.send("GET", f"/nuget/package/{package_id}/1.0.0")
    assert (status, data) == (200, package.read_bytes())


def test_a_clash_and_its_cure(feed: FeedServer, nuget: Client, tmp_path: Path) -> None:
    feed.push("Old.Clash", "1.0.0")
    package = write_package(tmp_path, "Old.Clash", "1.0.0", content=b"other")
    push = ("push", package.name, feed.key, "-Source")
    failed = nuget.run(*push, f"{feed.url}/nuget/packages", cwd=tmp_path, check=False)
    assert failed.returncode != 0
    assert "A package with the same name and version already exists" in failed.stdout
    nuget.run(*push, f"{feed.url}/nuget/packages?replace=true", cwd=tmp_path)
    assert feed.send("GET", "/nuget/package/Old.Clash/1.0.0")[2] == package.read_bytes()


def test_a_wrong_key_says_so(feed: FeedServer, nuget: Client, tmp_path: Path) -> None:
    package = write_package(tmp_path, "Old.Refused", "1.0.0")
    source = f"{feed.url}/nuget/packages"
    result = nuget.run("push", package.name, "WRONG", "-Source", source, cwd=tmp_path, check=False)
    assert result.returncode != 0
    assert "The API key is not valid" in result.stdout
    assert feed.versions("Old.Refused") == []


@pytest.fixture
def signed_in(feed: FeedServer, nuget: Client) -> Client:
    """Give nuget a configuration with the key as password for the feed."""
    return sign_in(nuget, feed)


def sign_in(nuget: Client, feed: FeedServer) -> Client:
    nuget.run(
        *("sources", "add", "-Name", "octopus", "-Source", f"{feed.url}/nuget"),
        *("-UserName", "any", "-Password", feed.key, "-StorePasswordInClearText"),
    )
    nuget.run("sources", "disable", "-Name", "nuget.org", check=False)
    return nuget


def test_push_to_the_address_for_reading(
    feed: FeedServer, signed_in: Client, tmp_path: Path
) -> None:
    package = write_package(tmp_path, "Old.Root", "1.0.0")
    signed_in.run("push", package.name, feed.key, "-Source", f"{feed.url}/nuget", cwd=tmp_path)
    assert feed.versions("Old.Root") == ["1.0.0"]


def test_list(stored_feed: FeedServer, nuget: Client) -> None:
    feed, signed_in = stored_feed, sign_in(nuget, stored_feed)
    feed.push("Old.List.A", "1.0.0")
    feed.push("Old.List.A", "1.1.0")
    feed.push("Old.List.A", "2.0.0-beta.1")
    feed.push("Old.List.B", "1.0.0-beta")
    source = ("-Source", f"{feed.url}/nuget")
    latest = signed_in.run("list", "Old.List", *source).stdout
    assert "Old.List.A 1.1.0" in latest
    assert "Old.List.B" not in latest
    every = signed_in.run("list", "Old.List", "-Prerelease", "-AllVersions", *source).stdout
    found = {line for line in every.splitlines() if line.startswith("Old.List")}
    assert found == {"Old.List.A 1.0.0", "Old.List.A 1.1.0", "Old.List.B 1.0.0-beta"}


def test_install_with_a_dependency(giving_feed: FeedServer, nuget: Client, tmp_path: Path) -> None:
    feed, signed_in = giving_feed, sign_in(nuget, giving_feed)
    feed.push("Old.Base", "1.0.0", content=b"base")
    feed.push("Old.Base", "1.5.0", content=b"newer base")
    extra = '<dependencies><dependency id="Old.Base" version="[1.0.0]"/></dependencies>'
    feed.push("Old.Top", "2.0.0", extra=extra)
    output = ("-Source", f"{feed.url}/nuget", "-OutputDirectory", "installed")
    signed_in.run("install", "Old.Top", *output, cwd=tmp_path)
    installed = sorted(path.name for path in (tmp_path / "installed").iterdir())
    assert installed == ["Old.Base.1.0.0", "Old.Top.2.0.0"]
    package = tmp_path / "installed" / "Old.Base.1.0.0" / "Old.Base.1.0.0.nupkg"
    with zipfile.ZipFile(package) as archive:
        assert archive.read("content/readme.txt") == b"base"
    assert package.read_bytes() == nupkg("Old.Base", "1.0.0", content=b"base")


def test_install_by_another_spelling(feed: FeedServer, signed_in: Client, tmp_path: Path) -> None:
    feed.push("Old.Spelled", "1.0.0")
    signed_in.run(
        *("install", "old.spelled", "-Version", "1.0.0.0", "-Source", f"{feed.url}/nuget"),
        *("-OutputDirectory", "installed"),
        cwd=tmp_path,
    )
    assert [path.name for path in (tmp_path / "installed").iterdir()] == ["Old.Spelled.1.0.0"]


def test_delete(stored_feed: FeedServer, nuget: Client) -> None:
    feed = stored_feed
    feed.push("Old.Gone", "1.0.0")
    source = ("-Source", f"{feed.url}/nuget/packages", "-NonInteractive")
    nuget.run("delete", "Old.Gone", "1.0.0", feed.key, *source)
    assert feed.versions("Old.Gone") == []

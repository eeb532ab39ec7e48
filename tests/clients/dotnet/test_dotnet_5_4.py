"""`dotnet nuget` (NuGet 5.4) against the feed: push, restore, delete."""

import zipfile
from pathlib import Path

import pytest

from tests.clients.feed_server import FeedServer, write_package
from tests.factories.packages import nuspec, zip_of
from tests.support.clients import Client

ADDRESSES = ["/nuget/v3/index.json", "/nuget/packages", "/nuget", "/api/v2/package", ""]

PROTOCOLS = ["/nuget/v3/index.json", "/nuget"]

CONFIGURATION = """<?xml version="1.0" encoding="utf-8"?>
<configuration><packageSources><clear /><add key="octopus" value="{source}" /></packageSources>
<packageSourceCredentials><octopus><add key="Username" value="any" />
<add key="ClearTextPassword" value="{key}" /></octopus></packageSourceCredentials></configuration>
"""

PROJECT = """<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup>
<TargetFramework>netstandard2.0</TargetFramework>
<DisableImplicitFrameworkReferences>true</DisableImplicitFrameworkReferences>
<DisableImplicitNuGetFallbackFolder>true</DisableImplicitNuGetFallbackFolder>
<AutoReferenceDefaultPackages>false</AutoReferenceDefaultPackages>
</PropertyGroup><ItemGroup>{references}</ItemGroup></Project>
"""


def push(client: Client, feed: FeedServer, package: Path, address: str, *options: str) -> str:
    result = client.run(
        *("nuget", "push", str(package), "-k", feed.key, "-s", feed.url + address, *options),
        check=False,
    )
    return f"exit {result.returncode}\n{result.stdout}"


@pytest.mark.parametrize("address", ADDRESSES)
def test_push(feed: FeedServer, dotnet: Client, tmp_path: Path, address: str) -> None:
    require_push(feed, dotnet, tmp_path, address)


@pytest.mark.parametrize("address", ADDRESSES[:2])
def test_push_to_s3(feed_on_s3: FeedServer, dotnet: Client, tmp_path: Path, address: str) -> None:
    require_push(feed_on_s3, dotnet, tmp_path, address)


def require_push(feed: FeedServer, dotnet: Client, tmp_path: Path, address: str) -> None:
    package_id = f"New.Push{ADDRESSES.index(address)}"
    package = write_package(tmp_path, package_id, "1.0.0-rc.1")
    output = push(dotnet, feed, package, address)
    assert output.startswith("exit 0"), output
    status, _, data = feed.send("GET", f"/nuget/package/{package_id}/1.0.0-rc.1")
    assert (status, data) == (200, package.read_bytes())


def test_many_at_once_by_wildcard(feed: FeedServer, dotnet: Client, tmp_path: Path) -> None:
    for number in range(5):
        write_package(tmp_path, "New.Many", f"1.0.{number}")
    output = push(dotnet, feed, tmp_path / "*.nupkg", "/nuget/v3/index.json")
    assert output.startswith("exit 0"), output
    assert len(feed.versions("New.Many")) == 5


def test_a_clash_shows_the_reason(feed: FeedServer, dotnet: Client, tmp_path: Path) -> None:
    feed.push("New.Clash", "1.0.0")
    package = write_package(tmp_path, "New.Clash", "1.0.0", content=b"other")
    output = push(dotnet, feed, package, "/nuget/packages")
    assert output.startswith("exit 1"), output
    expected = "409 (A package with the same name and version already exists: New.Clash 1.0.0"
    assert expected in output
    assert push(dotnet, feed, package, "/nuget/packages", "--skip-duplicate").startswith("exit 0")
    replaced = push(dotnet, feed, package, "/nuget/packages?replace=true")
    assert replaced.startswith("exit 0"), replaced
    assert feed.send("GET", "/nuget/package/New.Clash/1.0.0")[2] == package.read_bytes()


def test_a_wrong_key_is_named_whatever_the_size(
    feed: FeedServer, dotnet: Client, tmp_path: Path
) -> None:
    # A server that answered before all of it has come would break the line, and not be heard.
    package = write_large(tmp_path, "New.Refused", bytes(30_000_000))
    source = f"{feed.url}/nuget/packages"
    result = dotnet.run("nuget", "push", str(package), "-k", "WRONG", "-s", source, check=False)
    assert result.returncode == 1
    assert "403 (The API key is not valid" in result.stdout
    assert result.stdout.count("PUT ") == 1


def test_a_plain_zip_is_told_where_to_go(feed: FeedServer, dotnet: Client, tmp_path: Path) -> None:
    package = tmp_path / "New.Plain.1.0.0.zip"
    package.write_bytes(zip_of({"a.txt": b"1"}))
    output = push(dotnet, feed, package, "/nuget/packages")
    assert output.startswith("exit 1"), output
    assert "400 (The package has no .nuspec at its root; send zip" in output
    assert "/api/packages/raw" in output


@pytest.mark.parametrize("size", [100, 30_000_000])
def test_push_with_the_key_as_password(
    feed: FeedServer, dotnet: Client, tmp_path: Path, size: int
) -> None:
    # It says who it is only when it is asked, after all of the package was sent for nothing.
    _configure(feed, tmp_path)
    package = write_large(tmp_path, f"New.Basic{size}", bytes(size))
    result = dotnet.run("nuget", "push", package.name, "-s", "octopus", cwd=tmp_path, check=False)
    assert "Your package was pushed" in result.stdout, result.stdout
    assert feed.versions(f"New.Basic{size}") == ["1.0.0"]


def test_a_large_package_arrives_whole(
    stored_feed: FeedServer, dotnet: Client, tmp_path: Path
) -> None:
    feed = stored_feed
    package = write_large(tmp_path, "New.Large", bytes(range(256)) * 4096 * 30)
    output = push(dotnet, feed, package, "/nuget/v3/index.json")
    assert output.startswith("exit 0"), output
    assert feed.send("GET", "/nuget/package/New.Large/1.0.0")[2] == package.read_bytes()


@pytest.mark.parametrize(
    ("name", "protocol"),
    [
        ("feed", PROTOCOLS[0]),
        ("feed", PROTOCOLS[1]),
        ("feed_on_s3", PROTOCOLS[0]),
        ("redirecting_feed", PROTOCOLS[1]),
    ],
)
def test_restore(
    request: pytest.FixtureRequest, dotnet: Client, tmp_path: Path, name: str, protocol: str
) -> None:
    feed: FeedServer = request.getfixturevalue(name)
    prefix = f"New.Restore{len(protocol)}"
    feed.push(f"{prefix}.Base", "1.2.0+sha.abc")
    extra = (
        '<dependencies><group targetFramework=".NETStandard2.0">'
        f'<dependency id="{prefix}.Base" version="1.0.0"/></group></dependencies>'
    )
    feed.push(f"{prefix}.Top", "1.0.0", extra=extra)
    feed.push(f"{prefix}.Top", "1.3.0", extra=extra)
    feed.push(f"{prefix}.Top", "2.0.0", extra=extra)
    _configure(feed, tmp_path, protocol)
    reference = f'<PackageReference Include="{prefix}.top" Version="1.*" />'
    (tmp_path / "App.csproj").write_text(PROJECT.format(references=reference))
    dotnet.run("restore", "App.csproj", cwd=tmp_path)
    cached = dotnet.home / ".nuget" / "packages"
    assert [path.name for path in (cached / f"{prefix}.Top".lower()).iterdir()] == ["1.3.0"]
    assert [path.name for path in (cached / f"{prefix}.Base".lower()).iterdir()] == ["1.2.0"]


@pytest.mark.parametrize(
    ("name", "protocol"), [("feed", PROTOCOLS[0]), ("feed_on_s3", PROTOCOLS[1])]
)
def test_add_package_takes_the_newest_stable_version(
    request: pytest.FixtureRequest, dotnet: Client, tmp_path: Path, name: str, protocol: str
) -> None:
    stored_feed: FeedServer = request.getfixturevalue(name)
    package_id = f"New.Added{len(protocol)}"
    for version in ("1.0.0", "1.10.0", "1.9.0", "2.0.0-rc.1"):
        stored_feed.push(package_id, version)
    _configure(stored_feed, tmp_path, protocol)
    project = tmp_path / "App.csproj"
    project.write_text(PROJECT.format(references=""))
    dotnet.run("add", "App.csproj", "package", package_id, cwd=tmp_path)
    assert f'<PackageReference Include="{package_id}" Version="1.10.0" />' in project.read_text()
    cached = dotnet.home / ".nuget" / "packages" / package_id.lower()
    assert [path.name for path in cached.iterdir()] == ["1.10.0"]


def test_delete(stored_feed: FeedServer, dotnet: Client) -> None:
    feed = stored_feed
    feed.push("New.Gone", "1.0.0")
    source = ("-k", feed.key, "-s", f"{feed.url}/nuget/v3/index.json", "--non-interactive")
    dotnet.run("nuget", "delete", "New.Gone", "1.0.0.0", *source)
    assert feed.versions("New.Gone") == []
    again = dotnet.run("nuget", "delete", "New.Gone", "1.0.0", *source, check=False)
    assert again.returncode == 1
    assert "There is no package New.Gone 1.0.0" in again.stdout


def write_large(folder: Path, package_id: str, content: bytes) -> Path:
    package = folder / f"{package_id}.1.0.0.nupkg"
    with zipfile.ZipFile(package, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(f"{package_id}.nuspec", nuspec(package_id, "1.0.0"))
        archive.writestr("content/data.bin", content)
    return package


def _configure(feed: FeedServer, folder: Path, address: str = "/nuget/v3/index.json") -> None:
    text = CONFIGURATION.format(source=feed.url + address, key=feed.key)
    (folder / "NuGet.Config").write_text(text)

"""Downloads whose bytes the proxy or the store sends instead of the server."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings
from django.test import Client

from packages_feed.models import PackageVersion
from packages_feed.storage import FileStorage, choice, storage_from_url
from packages_feed.storage.choice import package_storage
from tests.factories import make_ana
from tests.factories.packages import make_package

pytestmark = pytest.mark.django_db
RAW = "/api/packages/packages-Acme.Web.1.0.0/raw"


@pytest.fixture
def version() -> PackageVersion:
    return make_package("Acme.Web", "1.0.0")


@pytest.fixture
def client() -> Client:
    return make_ana().api


def sends_by(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    monkeypatch.setattr(settings, "OCTOPUS", replace(settings.OCTOPUS, send_files=way))


@pytest.mark.parametrize(
    ("setting", "proxy", "header"),
    [
        ("", "X-Accel-Redirect", None),
        ("x-accel-redirect", "", None),
        ("x-accel-redirect", "X-Sendfile", None),
        ("x-accel-redirect", "x-accel-redirect", "X-Accel-Redirect"),
        ("x-sendfile", "X-Sendfile", "X-Sendfile"),
        ("x-sendfile", "X-Accel-Redirect", None),
    ],
)
def test_setting_and_proxy_must_agree(
    setting: str,
    proxy: str,
    header: str | None,
    version: PackageVersion,
    client: Client,
    storage: FileStorage,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sends_by(monkeypatch, setting)
    answer = client.get(RAW, headers={"X-Sendfile-Type": proxy})
    found = {name: answer[name] for name in ("X-Accel-Redirect", "X-Sendfile") if name in answer}
    inside = f"{version.blob_id[:2]}/{version.blob_id[2:4]}/{version.blob_id}"
    expected = {
        "X-Accel-Redirect": f"/octopus-stored-files/{inside}",
        "X-Sendfile": f"{storage.folder}/packages/{inside}",
    }
    assert found == ({header: expected[header]} if header else {})
    assert answer["ETag"] == f'"{version.blob_id}"'
    assert bool(answer.getvalue()) is (header is None)


def test_a_missing_file_is_told_and_not_left_to_the_proxy(
    version: PackageVersion, client: Client, storage: FileStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    sends_by(monkeypatch, "x-accel-redirect")
    storage.delete(version.blob_id)
    answer = client.get(RAW, headers={"X-Sendfile-Type": "X-Accel-Redirect"})
    assert answer.status_code == 404
    assert "X-Accel-Redirect" not in answer
    assert "missing in the storage" in answer.json()["ErrorMessage"]


@pytest.fixture
def in_bucket(
    version: PackageVersion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PackageVersion]:
    """A version whose downloads go to a bucket; nobody asks the bucket here."""
    bucket = storage_from_url(
        "s3://packages?endpoint=https://s3.example.com&redirect=60",
        spool_folder=tmp_path,
        access_key="key",
        secret_key="do not tell",
    )
    package_storage.cache_clear()
    monkeypatch.setattr(choice, "storage_from_url", lambda *_, **__: bucket)
    yield version
    package_storage.cache_clear()


@pytest.mark.parametrize("path", [RAW, "/nuget/package/Acme.Web/1.0.0"])
def test_a_download_goes_to_the_store(path: str, in_bucket: PackageVersion, client: Client) -> None:
    answer = client.get(path)
    assert answer.status_code == 302
    parts = urlsplit(answer["Location"])
    assert parts.netloc == "s3.example.com"
    assert parts.path.endswith(in_bucket.blob_id)
    query = parse_qs(parts.query)
    assert query["X-Amz-Expires"] == ["60"]
    assert "Acme.Web.1.0.0.nupkg" in query["response-content-disposition"][0]
    assert "do not tell" not in answer["Location"]
    same = client.get(path, headers={"If-None-Match": f'"{in_bucket.blob_id}"'})
    assert same.status_code == 304


def test_nobody_gets_an_address_who_may_not_download(in_bucket: PackageVersion) -> None:
    answer = Client().get(f"/api/packages/{in_bucket.wire_id}/raw")
    assert answer.status_code == 401
    assert "Location" not in answer

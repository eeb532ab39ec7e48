"""Logs that are archived to S3: every reader says the same, and the bytes go with the task."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from django.conf import settings

from deployments.execution.logs import chunks
from deployments.execution.models import LogArchive
from deployments.execution.services.logs.archive import archive_log
from packages_feed.services.blobs import sweep_unused_blobs
from packages_feed.storage.choice import package_storage
from tests.deployments.execution.logs.test_archive import everything, scene
from tests.factories.execution import Scene, SettableClock
from tests.factories.spaces import default_space
from tests.support.swift import S3Store, s3_client

__all__ = ["scene"]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def on_s3(swift: S3Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Let the server keep its bytes in the bucket."""
    mine = replace(
        settings.OCTOPUS,
        storage_url=f"s3://{swift.bucket}/{tmp_path.name}?endpoint={swift.endpoint}",
        s3_access_key=swift.key,
        s3_secret_key=swift.secret,
    )
    monkeypatch.setattr(settings, "OCTOPUS", mine)
    package_storage.cache_clear()
    yield
    package_storage.cache_clear()


def stored(swift: S3Store, tmp_path: Path) -> list[str]:
    """Return the keys in the bucket, as another client sees them."""
    found = s3_client(swift).list_objects_v2(Bucket=swift.bucket, Prefix=tmp_path.name)
    return [each["Key"] for each in found.get("Contents", [])]


def test_an_archived_log_reads_as_before(swift: S3Store, scene: Scene, tmp_path: Path) -> None:
    before = everything(scene)
    archive = archive_log(scene.task)
    (key,) = stored(swift, tmp_path)
    assert key.endswith(archive.blob_id)
    chunks.open_archive.cache_clear()
    assert everything(scene) == before


def test_the_bytes_go_with_the_task(swift: S3Store, scene: Scene, tmp_path: Path) -> None:
    archive = archive_log(scene.task)
    clock = SettableClock()
    clock.forward(2 * 86_400)
    sweep_unused_blobs(clock=clock)
    assert package_storage().size(archive.blob_id) == archive.size
    LogArchive.objects.in_space(default_space()).delete()
    sweep_unused_blobs(clock=clock)
    assert stored(swift, tmp_path) == []

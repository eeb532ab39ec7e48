"""A storage of its own for every test of the feed."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.base.errors import Invalid
from packages_feed.models import PackageVersion, StoredBlob
from packages_feed.services import store_package
from packages_feed.storage import FileStorage, choice
from packages_feed.storage.choice import package_storage
from tests.factories import default_space
from tests.factories.people import SYSTEM


@pytest.fixture(autouse=True)
def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileStorage]:
    """Give an empty folder that `package_storage()` returns."""
    folder = FileStorage(tmp_path / "storage")
    package_storage.cache_clear()
    monkeypatch.setattr(choice, "storage_from_url", lambda *_, **__: folder)
    yield folder
    package_storage.cache_clear()


def stored_files(storage: FileStorage) -> list[Path]:
    """Return all files below the storage's folder."""
    return [path for path in storage.folder.rglob("*") if path.is_file()]


def refused(data: bytes, name: str, storage: FileStorage, match: str) -> None:
    """Push a file and see that it is refused and that nothing of it stays."""
    with pytest.raises(Invalid, match=match):
        store_package(actor=SYSTEM, space=default_space(), file=io.BytesIO(data), file_name=name)
    assert stored_files(storage) == []
    assert not StoredBlob.objects.exists()
    assert not PackageVersion.objects.in_space(default_space()).exists()

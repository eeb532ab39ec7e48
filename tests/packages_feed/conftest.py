"""A storage of its own for every test of the feed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from packages_feed.storage import FileStorage, choice
from packages_feed.storage.choice import package_storage


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

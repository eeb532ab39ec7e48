"""Pushes and deletions of the same bytes by several web processes at once."""

import random
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from django.db import connections

from deployments.base.errors import Conflict, NotFound
from packages_feed.ingest import Spool
from packages_feed.models import PackageVersion, StoredBlob
from packages_feed.services import delete_version, store_package
from packages_feed.storage import FileStorage, files
from packages_feed.storage.writer import Writer, Writing
from tests.factories import default_space
from tests.factories.packages import nupkg
from tests.factories.people import SYSTEM
from tests.packages_feed.conftest import stored_files

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

CONTENTS = [nupkg("Acme.Web", "1.0.0", content=bytes([each])) for each in range(2)]
MODES = ["FailIfExists", "IgnoreIfExists", "OverwriteExisting"]
THREADS, ACTS = 6, 20


@pytest.fixture
def writers() -> Iterator[list[Writer]]:
    """Start the processes that write for three web processes."""
    started = [Writer() for _ in range(3)]
    yield started
    for each in started:
        each.close()


def act(storage: FileStorage, chance: random.Random) -> None:
    """Push a version, which may be there, or delete what is there."""
    if chance.random() < 0.3:
        if row := PackageVersion.objects.in_space(default_space()).first():
            delete_version(actor=SYSTEM, version=row)
        return
    with Spool(storage.spool_folder, limit=10**6) as spool:
        store_package(
            actor=SYSTEM,
            space=default_space(),
            file=spool.hold(chance.choice(CONTENTS)),
            file_name="package",
            overwrite_mode=chance.choice(MODES),
        )


def test_rows_and_files_agree_whatever_comes_between(
    storage: FileStorage, writers: list[Writer], monkeypatch: pytest.MonkeyPatch
) -> None:
    errors: list[Exception] = []
    own = threading.local()

    def run(number: int) -> None:
        own.writer = writers[number % len(writers)]
        chance = random.Random(number)
        try:
            for _ in range(ACTS):
                with suppress(Conflict, NotFound):
                    act(storage, chance)
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    def begin(path: Path, target: Path, content: bytes) -> Writing | None:
        writer: Writer = own.writer
        return writer.begin(path, target, content)

    monkeypatch.setattr(files, "begin", begin)
    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert errors == []
    named = {row.blob_id for row in PackageVersion.objects.in_space(default_space())}
    assert named == {blob.pk for blob in StoredBlob.objects.all()}
    assert sorted(named) == [path.name for path in stored_files(storage)]
    assert not any(each.lock.locked() for each in writers)

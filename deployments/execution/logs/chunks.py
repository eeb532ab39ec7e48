"""Where the chunks of a log are: in the archive of a task that ended long ago, then in rows."""

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import chain

from django.db.models import Q

from deployments.execution.logs.archive_file import ArchiveReader, Entry
from deployments.execution.models import LogArchive, LogChunk
from packages_feed.storage import package_storage

_ACCESS_WAS_CHECKED = "the viewer's access to the task was checked"


def chunks_of(
    task_pk: int, query: Q, keep: Callable[[Entry], bool], *, order: str
) -> Iterator[LogChunk]:
    """Yield the chunks of a task that fit, in the order of a column.

    `query` chooses among the rows and `keep` says the same of what is archived.
    """
    rows = LogChunk.objects.unscoped(reason=_ACCESS_WAS_CHECKED).filter(query, task_id=task_pk)
    stored = rows.order_by(order).iterator(chunk_size=50)
    return chain(_archived(task_pk, keep, order), stored)


def _archived(task_pk: int, keep: Callable[[Entry], bool], order: str) -> Iterator[LogChunk]:
    archives = LogArchive.objects.unscoped(reason=_ACCESS_WAS_CHECKED)
    archive = archives.filter(task_id=task_pk).first()
    if archive is None:
        return
    reader = open_archive(archive)
    wanted = sorted(filter(keep, reader.entries), key=lambda entry: getattr(entry, order))
    for entry in wanted:
        yield LogChunk(
            task_id=task_pk,
            space_id=archive.space_id,
            execution_id=entry.execution_id,
            offset=entry.offset,
            raw_length=entry.raw_length,
            first_line=entry.first_line,
            line_count=entry.line_count,
            event_number=entry.event_number,
            start_state=entry.start_state,
            received=datetime.fromisoformat(entry.received),
            body=reader.body(entry),
        )


def open_archive(archive: LogArchive) -> ArchiveReader:
    """Open an archived log. Raises BlobMissing, StorageFailed and BrokenArchive."""
    sha256, storage = archive.blob_id, package_storage()

    def read(start: int, length: int) -> bytes:
        return b"".join(storage.open(sha256, start=start, length=length))

    return ArchiveReader(read, archive.size)

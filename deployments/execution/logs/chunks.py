"""Where the chunks of a log are: in the archive of a task that ended long ago, then in rows."""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import lru_cache
from itertools import chain

from django.db.models import Q

from deployments.base.errors import Unavailable
from deployments.execution.logs.archive_file import ArchiveReader, BrokenArchive, Entry
from deployments.execution.models import LogArchive, LogChunk
from packages_feed.storage import BlobMissing, StorageFailed, package_storage

_ACCESS_WAS_CHECKED = "the viewer's access to the task was checked"

Keep = Callable[[Entry], bool]


class LogUnavailable(Unavailable):
    """An archived log cannot be read now."""

    def __init__(self) -> None:
        super().__init__("The archived log cannot be read now: its storage does not give it.")


def chunks_of(task_pk: int, query: Q, keep: Keep, *, order: str) -> Iterator[LogChunk]:
    """Yield the chunks of a task that fit, in the order of a column.

    `query` chooses among the rows and `keep` says the same of what is archived. Raises
    LogUnavailable.
    """
    rows = LogChunk.objects.unscoped(reason=_ACCESS_WAS_CHECKED).filter(query, task_id=task_pk)
    stored = rows.order_by(order).iterator(chunk_size=50)
    # Rows first: what is archived between the two looks is then seen twice, and told once.
    first = next(stored, None)
    archive = _archive_of(task_pk)
    known: set[int] = set()
    if archive is not None:
        yield from _archived(archive, keep, order, known)
    for chunk in chain(() if first is None else (first,), stored):
        if chunk.event_number not in known:
            yield chunk


def _archive_of(task_pk: int) -> LogArchive | None:
    return LogArchive.objects.unscoped(reason=_ACCESS_WAS_CHECKED).filter(task_id=task_pk).first()


def _archived(archive: LogArchive, keep: Keep, order: str, known: set[int]) -> Iterator[LogChunk]:
    """Yield what fits of an archive, and add the numbers of all that it has to `known`."""
    try:
        reader = open_archive(archive.blob_id, archive.size)
        known.update(entry.event_number for entry in reader.entries)
        wanted = sorted(filter(keep, reader.entries), key=lambda entry: getattr(entry, order))
        for entry in wanted:
            yield LogChunk(
                task_id=archive.task_id,
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
    except (BlobMissing, StorageFailed, BrokenArchive) as error:
        raise LogUnavailable from error


@lru_cache(maxsize=8)
def open_archive(sha256: str, size: int) -> ArchiveReader:
    """Open an archived log; its bytes never change. Raises what the storage and the file do."""
    storage = package_storage()

    def read(start: int, length: int) -> bytes:
        return b"".join(storage.open(sha256, start=start, length=length))

    return ArchiveReader(read, size)

"""Moves the logs of tasks that ended long ago from the database to the storage of packages.

The bytes are durable before a transaction names them and deletes the rows, so a log is in one of
the two places whatever dies; bytes that nothing came to name are swept with the others.
"""

import os
from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef

from deployments.base.clock import Clock, utc_now
from deployments.execution.logs.archive_file import Entry, write_archive
from deployments.execution.logs.bodies import unpack_body
from deployments.execution.models import LogArchive, LogChunk
from deployments.execution.services.logs.settings import log_settings
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.states import FINISHED
from packages_feed.services.blobs import hashed, lock_bytes, store_bytes
from packages_feed.storage import StorageFailed, package_storage

log = structlog.get_logger(__name__)

_EVERY_SPACE = "the sweep looks at every space"


def archive_logs(*, clock: Clock = utc_now, most: int = 200) -> int:
    """Archive the logs that are old enough, the oldest first; return how many."""
    days = log_settings().archive_after_days
    if not days:
        return 0
    rows = ServerTask.objects.unscoped(reason=_EVERY_SPACE)
    chunks = LogChunk.objects.unscoped(reason=_EVERY_SPACE).filter(task=OuterRef("pk"))
    due = rows.filter(
        Exists(chunks),
        state__in=FINISHED,
        completed__lte=clock() - timedelta(days=days),
        log_archive=None,
    )
    count = 0
    for task in list(due.order_by("pk")[:most]):
        try:
            archive_log(task, clock=clock)
        except (StorageFailed, OSError) as error:
            log.warning("logs cannot be archived now", task=task.pk, error=str(error))
            break
        except Exception:
            # The others must not wait for it for ever. Another worker may have been first.
            log.exception("a log cannot be archived", task=task.pk)
            continue
        count += 1
    return count


def archive_log(task: ServerTask, *, clock: Clock = utc_now) -> LogArchive:
    """Archive the log of one task. Raises StorageFailed; then nothing has changed."""
    path = package_storage().spool_folder / f"log-{task.pk}-{uuid4().hex}"
    try:
        with path.open("xb") as file:
            pks: list[int] = []
            write_archive(file, _entries(task, pks))
            file.flush()
            os.fsync(file.fileno())
        upload = hashed(path)
        store_bytes(upload, clock=clock)
        with transaction.atomic():
            archive = LogArchive.objects.create(
                space_id=task.space_id,
                task=task,
                blob=lock_bytes(upload, clock=clock),
                size=upload.size,
                created=clock(),
            )
            # What came in the meantime stays; it has a higher number.
            rows = LogChunk.objects.unscoped(reason=_EVERY_SPACE).filter(task=task)
            rows.filter(pk__lte=max(pks, default=0)).delete()
    finally:
        path.unlink(missing_ok=True)
    return archive


def _entries(task: ServerTask, pks: list[int]) -> Iterator[tuple[Entry, bytes]]:
    """Yield the chunks node by node, as they are read; their numbers are added to `pks`."""
    rows = LogChunk.objects.unscoped(reason=_EVERY_SPACE).filter(task=task)
    for chunk in rows.order_by("execution", "offset", "event_number").iterator(chunk_size=50):
        pks.append(chunk.pk)
        entry = Entry(
            execution_id=chunk.execution_id,
            offset=chunk.offset,
            raw_length=chunk.raw_length,
            first_line=chunk.first_line,
            line_count=chunk.line_count,
            event_number=chunk.event_number,
            start_state=chunk.start_state,
            received=chunk.received.isoformat(),
        )
        yield entry, unpack_body(bytes(chunk.body))

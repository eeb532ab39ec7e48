"""Answering with the bytes of a file of the archive."""

from django.http import HttpRequest  # noqa: TID251 pages and REST answer with the same
from django.http.response import HttpResponseBase  # noqa: TID251 as above

from deployments.audit.archives.store import archive_store
from deployments.audit.models import EventArchive
from deployments.base.api.streamed import stream_bytes
from deployments.base.errors import NotFound


def archive_file(request: HttpRequest, row: EventArchive) -> HttpResponseBase:
    """Answer with the bytes of a file. Raises NotFound, ArchiveUnavailable."""
    if row.deleted is not None:
        raise NotFound(f"The archive was deleted by {row.deleted_by}.")
    pieces = archive_store().open(row.sha256)
    first = next(pieces, b"")  # before the answer begins, so that what fails is told
    headers = {"Content-Disposition": f'attachment; filename="{row.file_name}"'}
    rest = (piece for source in ((first,), pieces) for piece in source)
    return stream_bytes(request, rest, "application/x-ndjson", headers)

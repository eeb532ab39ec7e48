"""The rows of stored bytes and the files of a storage side by side, in constant memory."""

from collections.abc import Iterator
from dataclasses import dataclass

from packages_feed.models import StoredBlob
from packages_feed.storage import PackageStorage, StoredFile

_ROWS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Pair:
    """What database and storage know under one SHA-256; at least one of them knows something."""

    sha256: str
    row_size: int | None
    file: StoredFile | None


def rows_and_files(storage: PackageStorage, *, after: str = "") -> Iterator[Pair]:
    """Yield all that rows or files name beyond `after`, in the order of the hashes.

    Both change meanwhile: what is missing on one side must be looked for again.
    """
    rows, files = _rows(after), storage.files(after)
    row, file = next(rows, None), next(files, None)
    while row is not None or file is not None:
        sha256 = min(each for each in (row and row[0], file and file.sha256) if each)
        row_size = row[1] if row is not None and row[0] == sha256 else None
        here = file if file is not None and file.sha256 == sha256 else None
        yield Pair(sha256, row_size, here)
        if row_size is not None:
            row = next(rows, None)
        if here is not None:
            file = next(files, None)


def _rows(after: str) -> Iterator[tuple[str, int]]:
    """Yield hash and size by pages, so that no transaction stays open for hours."""
    while True:
        rows = StoredBlob.objects.filter(pk__gt=after).order_by("pk")
        page = list(rows.values_list("pk", "size")[:_ROWS_AT_ONCE])
        yield from page
        if len(page) < _ROWS_AT_ONCE:
            return
        after = page[-1][0]

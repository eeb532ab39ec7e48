"""Files inside of stored packages: icon, readme, licence; what packages say is not trusted."""

import zlib
from typing import Final
from zipfile import BadZipFile, ZipFile

from packages_feed.models import PackageVersion
from packages_feed.storage import BlobMissing
from packages_feed.storage.reader import SeekableBlob

MOST_BYTES: Final = 1024 * 1024
"""Of an icon, a readme or a licence, as NuGet has it."""
_IMAGES: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
_UNREADABLE: Final = (BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError)


def embedded_file(version: PackageVersion, kind: str) -> bytes | None:
    """Return the file that the manifest names as `icon`, `readme` or `license_file`.

    None when it names none, or one that is not there, too large or damaged. Raises BlobMissing and
    StorageFailed.
    """
    named = version.metadata.get(kind)
    if version.extension != ".nupkg" or not isinstance(named, str) or not named:
        return None
    wanted = _plain(named)
    try:
        with ZipFile(SeekableBlob(version.blob_id, version.size)) as archive:
            entry = next((e for e in archive.infolist() if _plain(e.filename) == wanted), None)
            if entry is None or entry.is_dir() or entry.file_size > MOST_BYTES:
                return None
            with archive.open(entry) as file:
                content = file.read(MOST_BYTES + 1)
    except _UNREADABLE:
        return None
    return content if len(content) <= MOST_BYTES else None


def embedded_text(version: PackageVersion, kind: str) -> str:
    """Return such a file as text; empty when there is none, or no file at all."""
    try:
        content = embedded_file(version, kind)
    except BlobMissing:
        return ""
    return (content or b"").decode("utf-8-sig", "replace").replace("\0", "")


def image_type(content: bytes) -> str | None:
    """Return the media type of an image by its first bytes; None for all that might be a script."""
    return next((kind for magic, kind in _IMAGES if content.startswith(magic)), None)


def _plain(name: str) -> str:
    return name.replace("\\", "/").removeprefix("./").lstrip("/").lower()

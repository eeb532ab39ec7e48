"""All artifacts of a task as one zip, written while it is read."""

import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence

from deployments.execution.models import Artifact
from packages_feed.storage import package_storage

_LEVEL = 1
# From here on the zip needs the wider fields, which must be known before the bytes are.
_LARGE = 1024**3


class _Written(io.RawIOBase):
    """Where the zip is written: a file that only grows, and from which pieces are taken."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]  # the buffers zipfile writes
        self._parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        taken, self._parts = b"".join(self._parts), []
        return taken


def zip_of(artifacts: Sequence[Artifact]) -> Iterator[bytes]:
    """Yield the zip piece by piece; folders are named by target. Raises BlobMissing."""
    written = _Written()
    storage = package_storage()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
        for artifact, name in zip(artifacts, entry_names(artifacts), strict=True):
            if artifact.blob_id is None:
                continue  # announced, and not sent yet
            moment = artifact.created
            entry = zipfile.ZipInfo(name, moment.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            with archive.open(entry, "w", force_zip64=artifact.size >= _LARGE) as file:
                for piece in storage.open(artifact.blob_id):
                    file.write(piece)
                    if taken := written.take():
                        yield taken
    yield written.take()


def entry_names(artifacts: Iterable[Artifact]) -> list[str]:
    """Return a name for each that leads nowhere and that no other has, whatever its case."""
    names: list[str] = []
    used: set[str] = set()
    for artifact in artifacts:
        folder = _part(artifact.origin)
        stem, dot, ending = _part(artifact.name).partition(".")
        number, name = 1, f"{folder}/{stem}{dot}{ending}"
        while name.casefold() in used:
            number += 1
            name = f"{folder}/{stem} ({number}){dot}{ending}"
        used.add(name.casefold())
        names.append(name)
    return names


def _part(text: str) -> str:
    clean = "".join(
        "_" if char in '/\\:*?"<>|' or not char.isprintable() else char for char in text
    )
    return clean.strip(" ") if clean.strip(" .") else "server"

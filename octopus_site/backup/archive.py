"""The file of a backup: a ZIP of tables as lines of JSON, of files by SHA-256, and a manifest."""

import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from deployments.base.errors import Invalid
from packages_feed.storage.disk import sync_folder

FORMAT: Final = 1
_MANIFEST: Final = "manifest.json"
_FILES: Final = "files.jsonl"
_PIECE: Final = 256 * 1024
_LONGEST_MANIFEST: Final = 16 * 1024 * 1024
_ANOTHER: Final = "Copy it again from where it was made, or restore another one."
# What reading a damaged ZIP can raise: RuntimeError for one that claims encryption or a method
# that nobody knows.
_DAMAGE: Final = (
    KeyError,
    ValueError,
    OSError,
    EOFError,
    RuntimeError,
    zlib.error,
    zipfile.BadZipFile,
)


@dataclass(frozen=True, slots=True)
class Lines:
    """What is known of one entry of lines."""

    lines: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its columns, its rows, and the last number that it gave to a row (0: none)."""

    columns: list[str]
    rows: Lines
    last_number: int = 0


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says about itself. `probe` is a text sealed with the server's master key.

    `migrations` are the steps that had shaped the tables. `missing` are files that the storage
    did not have when they were to be copied, or had with other bytes.
    """

    version: str
    created: str
    database: str
    installation_id: str
    probe: str
    migrations: list[list[str]]
    tables: dict[str, Table]
    files: Lines
    has_files: bool = False
    missing: list[str] = field(default_factory=list)
    format: int = FORMAT

    @property
    def row_count(self) -> int:
        """How many rows there are in all."""
        return sum(table.rows.lines for table in self.tables.values())


class ArchiveWriter:
    """Writes a backup; the file has its name once it is complete."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def table(self, name: str, rows: Iterable[Any]) -> Lines:
        """Write the rows of a table."""
        return self._lines(_table_entry(name), rows)

    def files(self, rows: Iterable[tuple[str, int]]) -> Lines:
        """Write the list of files: SHA-256 and size."""
        return self._lines(_FILES, rows)

    def file(self, sha256: str, pieces: Iterable[bytes]) -> bool:
        """Copy a file; packages are compressed already. False when these are not its bytes."""
        digest = hashlib.sha256()
        info = zipfile.ZipInfo(_file_entry(sha256))
        with self._archive.open(info, "w", force_zip64=True) as entry:
            for piece in pieces:
                digest.update(piece)
                entry.write(piece)
        return digest.hexdigest() == sha256

    def manifest(self, manifest: Manifest) -> None:
        """Write the manifest, last of all."""
        self._archive.writestr(_MANIFEST, json.dumps(asdict(manifest), indent=1))

    def _lines(self, name: str, rows: Iterable[Any]) -> Lines:
        digest, count = hashlib.sha256(), 0
        info = zipfile.ZipInfo(name)
        info.compress_type = zipfile.ZIP_DEFLATED
        with self._archive.open(info, "w", force_zip64=True) as entry:
            for row in rows:
                line = json.dumps(row, separators=(",", ":")).encode() + b"\n"
                digest.update(line)
                entry.write(line)
                count += 1
        return Lines(count, digest.hexdigest())


@contextmanager
def new_archive(path: Path) -> Iterator[ArchiveWriter]:
    """Write a file that only its owner may read; nothing is left when it fails.

    Raises Invalid when there is something at the path already, or it cannot be written.
    """
    if path.exists():
        raise Invalid(f"{path} exists already; a backup overwrites nothing.")
    part = path.with_name(f"{path.name}.part")
    try:
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Invalid(f"{path} cannot be written: {error.strerror}.") from error
    try:
        with os.fdopen(descriptor, "w+b") as file:
            with zipfile.ZipFile(file, "w") as archive:
                yield ArchiveWriter(archive)
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
        sync_folder(path.parent)
    except OSError as error:
        raise Invalid(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        part.unlink(missing_ok=True)


class ArchiveReader:
    """Reads a backup. What is damaged raises Invalid, at the latest at the end of its entry."""

    def __init__(self, archive: zipfile.ZipFile, path: Path) -> None:
        self._archive = archive
        self._path = path
        self._names = frozenset(archive.namelist())
        self.manifest = self._read_manifest()

    def table(self, name: str) -> Iterator[list[Any]]:
        """Yield the rows of a table."""
        return self._lines(_table_entry(name), self.manifest.tables[name].rows)

    def files(self) -> Iterator[tuple[str, int]]:
        """Yield SHA-256 and size of the files that the server uses."""
        for sha256, size in self._lines(_FILES, self.manifest.files):
            yield str(sha256), int(size)

    def has_file(self, sha256: str) -> bool:
        """Tell whether the backup has a copy of the file."""
        return sha256 not in self.manifest.missing and _file_entry(sha256) in self._names

    def file(self, sha256: str) -> Iterator[bytes]:
        """Yield the bytes of a copied file."""
        name, digest = _file_entry(sha256), hashlib.sha256()
        try:
            with self._archive.open(name) as entry:
                while piece := entry.read(_PIECE):
                    digest.update(piece)
                    yield piece
        except _DAMAGE as error:
            raise self._damaged(name) from error
        if digest.hexdigest() != sha256:
            raise self._damaged(name)

    def _lines(self, name: str, expected: Lines) -> Iterator[Any]:
        digest, count = hashlib.sha256(), 0
        try:
            with self._archive.open(name) as entry:
                for line in entry:
                    digest.update(line)
                    count += 1
                    yield json.loads(line)
        except _DAMAGE as error:
            raise self._damaged(name) from error
        if Lines(count, digest.hexdigest()) != expected:
            raise self._damaged(name)

    def _read_manifest(self) -> Manifest:
        try:
            with self._archive.open(_MANIFEST) as entry:
                said = json.loads(entry.read(_LONGEST_MANIFEST))
            if said["format"] != FORMAT:
                raise Invalid(
                    f"{self._path} has the format {said['format']!r}; this server reads {FORMAT}."
                )
            tables = {
                name: Table(each["columns"], Lines(**each["rows"]), each["last_number"])
                for name, each in said.pop("tables").items()
            }
            return Manifest(**{**said, "tables": tables, "files": Lines(**said["files"])})
        except (TypeError, *_DAMAGE) as error:
            raise Invalid(
                f"{self._path} is no backup of this program, or a part of one. {_ANOTHER}"
            ) from error

    def _damaged(self, name: str) -> Invalid:
        return Invalid(f"{self._path} is damaged: {name} is not as it was written. {_ANOTHER}")


@contextmanager
def opened_archive(path: Path) -> Iterator[ArchiveReader]:
    """Open a backup. Raises Invalid when the file is none, or cannot be read."""
    try:
        archive = zipfile.ZipFile(path)
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}.") from error
    except _DAMAGE as error:
        raise Invalid(f"{path} is no complete backup. {_ANOTHER}") from error
    with archive:
        yield ArchiveReader(archive, path)


def _table_entry(name: str) -> str:
    return f"tables/{name}.jsonl"


def _file_entry(sha256: str) -> str:
    return f"files/{sha256}"

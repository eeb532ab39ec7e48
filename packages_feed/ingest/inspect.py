"""Checking a spooled upload and saying what package it is."""

from io import BytesIO
from typing import BinaryIO, Final

from agent.versions import InvalidFileName, parse_file_name
from deployments.base.errors import Invalid
from packages_feed.ingest.description import PackageDescription
from packages_feed.ingest.entries import Budget
from packages_feed.ingest.limits import Limits, readable
from packages_feed.ingest.nuspec import read_nuspec
from packages_feed.ingest.spool import Spooled
from packages_feed.ingest.tars import check_tar
from packages_feed.ingest.zips import check_zip, read_entry

NUPKG = ".nupkg"
ZIP_KINDS: Final = {NUPKG, ".zip", ".jar", ".war", ".ear"}
# By extension, what packs the tar.
TAR_KINDS: Final = {
    ".tar": "",
    ".tar.gz": "gz",
    ".tgz": "gz",
    ".tar.bz2": "bz2",
    ".tar.bz": "bz2",
    ".tbz2": "bz2",
    ".tbz": "bz2",
    ".tar.xz": "xz",
    ".txz": "xz",
}
_MAGIC = {"gz": b"\x1f\x8b", "bz2": b"BZh", "xz": b"\xfd7zXZ\x00"}
_ZIP_MAGIC = (b"PK\3\4", b"PK\5\6")
_NAMELESS = {"", "package", "package.nupkg"}
_SYMBOLS = "symbolspackage"
_IN_MEMORY = 256 * 1024
_MOST_KEY = 700
_MOST_TEXT = 350
RAW_HINT = "send zip, tar and jar files with their own name to /api/packages/raw"


def describe_package(upload: Spooled, file_name: str | None, limits: Limits) -> PackageDescription:
    """Check the upload and return its identity and metadata; raises Invalid.

    A NuGet package is named by its manifest, whatever the file is called; every other archive by
    the file's name. NuGet clients send no name: then it must be a NuGet package.
    """
    if upload.size == 0:
        raise Invalid("The package is empty.")
    if upload.size > limits.package:
        raise Invalid(f"The package is larger than {readable(limits.package)}.")
    # A zip file is read here and there, and each place is a call to the system.
    with BytesIO(_whole(upload)) if upload.size <= _IN_MEMORY else upload.path.open("rb") as file:
        return describe_file(file, upload.size, file_name, limits)


def _whole(upload: Spooled) -> bytes:
    return upload.path.read_bytes() if upload.content is None else upload.content


def describe_file(
    file: BinaryIO, size: int, file_name: str | None, limits: Limits
) -> PackageDescription:
    """Likewise for an open file that can seek."""
    if _is_nupkg(file_name):
        described = _describe_nupkg(file, size, limits, file_name)
    else:
        described = _describe_archive(file, size, limits, file_name or "")
    version = described.version
    if len(version.sort_key) > _MOST_KEY or len(version.original) > _MOST_TEXT:
        raise Invalid("The version of the package is too long.")
    return described


def _is_symbols(file_name: str | None) -> bool:
    return (file_name or "").lower().endswith(".symbols.nupkg")


def _is_nupkg(file_name: str | None) -> bool:
    name = (file_name or "").lower()
    return name in _NAMELESS or name.endswith(NUPKG)


def _describe_nupkg(
    file: BinaryIO, size: int, limits: Limits, file_name: str | None
) -> PackageDescription:
    if not _has_zip_magic(file):
        raise Invalid(f"The file is not a NuGet package; {RAW_HINT}.")
    budget = Budget(limits, size, limits.nupkg_entries)
    roots = check_zip(file, budget, unquotes=True)
    manifests = [name for name in roots if name.lower().endswith(".nuspec")]
    if not manifests:
        named = (file_name or "").lower() not in _NAMELESS
        hint = "" if named else f"; {RAW_HINT}"
        raise Invalid(f"The package has no .nuspec at its root{hint}.")
    if len(manifests) > 1:
        raise Invalid("The package has more than one .nuspec at its root.")
    content = read_entry(file, manifests[0], limits.nuspec)
    if len(content) > limits.nuspec:
        raise Invalid(f"The .nuspec is larger than {readable(limits.nuspec)}.")
    described = read_nuspec(content)
    if _SYMBOLS in map(str.lower, described.package_types) or _is_symbols(file_name):
        raise Invalid("Symbol packages are not kept here; push the package itself.")
    return described


def _describe_archive(
    file: BinaryIO, size: int, limits: Limits, file_name: str
) -> PackageDescription:
    try:
        named = parse_file_name(file_name)
    except InvalidFileName as error:
        raise Invalid(str(error)) from error
    extension = named.extension.lower()
    budget = Budget(limits, size, limits.entries)
    if extension in ZIP_KINDS:
        if not _has_zip_magic(file):
            raise Invalid(f"The file is not a zip archive, as its extension {extension} says.")
        check_zip(file, budget)
    else:
        compression = TAR_KINDS[extension]
        if compression and _head(file, 6)[: len(_MAGIC[compression])] != _MAGIC[compression]:
            raise Invalid(f"The file is not packed as its extension {extension} says.")
        check_tar(file, compression, budget)
    return PackageDescription(
        package_id=named.package_id,
        version=named.version,
        extension=extension,
        is_semver2=named.version.is_semver2,
    )


def _has_zip_magic(file: BinaryIO) -> bool:
    return _head(file, 4) in _ZIP_MAGIC


def _head(file: BinaryIO, size: int) -> bytes:
    file.seek(0)
    return file.read(size)

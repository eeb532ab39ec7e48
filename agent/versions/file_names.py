"""The name of a package file, split into id, version and extension by one linear rule."""

from __future__ import annotations

import re
from dataclasses import dataclass

from agent.versions.version import InvalidVersion, Version

MAX_NAME_LENGTH = 255
MAX_ID_LENGTH = 100

PACKAGE_EXTENSIONS = (
    ".nupkg",
    ".zip",
    ".tar",
    ".tar.gz",
    ".tgz",
    ".tar.bz2",
    ".tbz",
    ".tar.xz",
    ".jar",
    ".war",
    ".ear",
)

_TAR = re.compile(r"\.tar(?:\.[A-Za-z0-9]+)?\Z", re.IGNORECASE)
_DOT_DIGIT = re.compile(r"\.(?=[0-9])")
_ID_IN_NAME = re.compile(r"\w+(?:[.-]\w+)*", re.ASCII)
_LABELS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_VERSION = re.compile(rf"[0-9]+(?:\.[0-9]+){{0,3}}(?:-{_LABELS})?(?:\+{_LABELS})?")
_RESERVED_IDS = frozenset(
    ["con", "nul", "aux", "prn", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))]
)


class InvalidFileName(ValueError):
    """The name does not say which package and version the file is."""


@dataclass(frozen=True, slots=True)
class PackageFileName:
    """What a package file's name says; the extension starts with a dot, as written."""

    package_id: str
    version: Version
    extension: str


def is_package_id(text: str) -> bool:
    """Whether the text may be the id of a package."""
    return (
        len(text) <= MAX_ID_LENGTH
        and _ID_IN_NAME.fullmatch(text) is not None
        and text.lower() not in _RESERVED_IDS
    )


def parse_file_name(name: str) -> PackageFileName:
    """Split a file name such as `Acme.Web.1.2.0-beta.zip`. Raises InvalidFileName.

    The id is the shortest that leaves a version: an all-digit part after a dot starts the version.
    """
    if len(name) > MAX_NAME_LENGTH:
        raise InvalidFileName(f"A file name may have at most {MAX_NAME_LENGTH} characters.")
    stem, extension = _split_extension(name)
    if extension.lower() not in PACKAGE_EXTENSIONS:
        raise InvalidFileName(f"'{name}' does not have the extension of a package.")
    for dot in _DOT_DIGIT.finditer(stem):
        package_id, version_text = stem[: dot.start()], stem[dot.end() :]
        if not _VERSION.fullmatch(version_text) or not _ID_IN_NAME.fullmatch(package_id):
            continue
        try:
            version = Version.parse(version_text)
        except InvalidVersion as error:
            raise InvalidFileName(f"'{name}': {error}") from error
        if not is_package_id(package_id):
            raise InvalidFileName(f"'{package_id}' cannot be the id of a package.")
        return PackageFileName(package_id, version, extension)
    raise InvalidFileName(
        f"'{name}' does not split into an id and a version; use id.version.extension."
    )


def _split_extension(name: str) -> tuple[str, str]:
    tar = _TAR.search(name)
    if tar is not None:
        return name[: tar.start()], name[tar.start() :]
    stem, dot, extension = name.rpartition(".")
    return stem, dot + extension

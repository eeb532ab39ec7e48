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
    ".tar.bz",
    ".tbz2",
    ".tbz",
    ".tar.xz",
    ".txz",
    ".jar",
    ".war",
    ".ear",
)

# What people try, and what they can do instead.
_REFUSED = {
    ".rar": "rar archives cannot be unpacked on agents; use zip, tar.gz, or for Java war and ear",
    ".7z": "7z archives cannot be unpacked on agents; use zip or tar.xz",
    ".tar.z": "files of compress cannot be unpacked on agents; use tar.gz",
    ".snupkg": "symbol packages are not kept",
}
_TAR = re.compile(r"\.tar(?:\.[A-Za-z0-9]+)?\Z", re.IGNORECASE)
# `acme-web-1` and `App.v1`, whose number was meant to be the beginning of the version.
_TRAILING_NUMBER = re.compile(r"(?:(?:\A|-)[vV]?|_)[0-9]+\Z")
_DIGITS_AT_END = re.compile(r"[0-9]+\Z")
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
        raise InvalidFileName(_why_refused(name, extension.lower()))
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


def doubt_about(name: PackageFileName) -> str:
    """Return what to do about a name that may mean another id and version; nothing if it cannot.

    Where an id ends and a version begins is not always what people mean: a dash separates nothing.
    """
    parts = name.package_id.split(".")
    last = _TRAILING_NUMBER.search(parts[-1])
    if last is None and not any(map(str.isdecimal, parts)):
        return ""
    return (
        f"The name reads as version {name.version} of {name.package_id}. If that is not meant,"
        f" call the file {_clear_name(name, parts)}."
    )


def _clear_name(name: PackageFileName, parts: list[str]) -> str:
    """Return what to call the file if the number at the end of its id begins the version."""
    words = [part for part in parts if not part.isdecimal()]
    if words:
        words[-1] = _TRAILING_NUMBER.sub("", words[-1])
    package_id = ".".join(filter(None, words)) or "<id>"
    version = "<version>"
    number = _DIGITS_AT_END.search(parts[-1])
    if number and not any(map(str.isdecimal, parts[:-1])):
        longer = f"{number.group()}.{name.version.original}"
        version = longer if _VERSION.fullmatch(longer) else version
    return f"{package_id}.{version}{name.extension}"


def _why_refused(name: str, extension: str) -> str:
    if extension in _REFUSED:
        return f"'{name}' has the extension {extension}: {_REFUSED[extension]}."
    known = ", ".join(PACKAGE_EXTENSIONS)
    return f"'{name}' does not have the extension of a package, which are {known}."


def _split_extension(name: str) -> tuple[str, str]:
    tar = _TAR.search(name)
    if tar is not None:
        return name[: tar.start()], name[tar.start() :]
    stem, dot, extension = name.rpartition(".")
    return stem, dot + extension

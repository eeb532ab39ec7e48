"""Floating versions in the notation of NuGet: `1.2.*`, `1.0.0-beta*`, `*-*`, `[1.*, 2.0)`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from agent.versions.ranges import MAX_LENGTH, InvalidVersionRange, VersionRange
from agent.versions.version import NUMBER_PARTS, InvalidVersion, Numbers, Version

# Numbers of which the last may be a star, then labels that end with one.
_FLOAT = re.compile(
    r"(?P<numbers>(?:[0-9]+\.){0,3}(?:[0-9]+|\*))(?:-(?P<labels>[0-9A-Za-z.-]*)(?P<star>\*))?"
)


@dataclass(frozen=True, slots=True)
class FloatingVersion:
    """Versions that begin alike, within a range.

    `numbers` are those that a version must begin with, all four where none floats. Without
    `labels` only stable versions are meant; else these and prereleases whose labels begin so.
    """

    numbers: tuple[int, ...]
    labels: str | None
    within: VersionRange
    original: str

    @classmethod
    def parse(cls, text: str) -> FloatingVersion:
        """Read a floating version, or an interval whose lower bound is one.

        Raises InvalidVersionRange.
        """
        trimmed = text.strip()
        if not 0 < len(trimmed) <= MAX_LENGTH:
            raise InvalidVersionRange(f"A range may have at most {MAX_LENGTH} characters.")
        if trimmed[0] not in "[(":
            numbers, labels, least = _parse(trimmed)
            return cls(numbers, labels, VersionRange.parse(least), trimmed)
        low, comma, rest = trimmed[1:].partition(",")
        numbers, labels, least = _parse(low.strip())
        return cls(
            numbers, labels, VersionRange.parse(f"{trimmed[0]}{least}{comma}{rest}"), trimmed
        )

    def contains(self, version: Version) -> bool:
        """Whether the version is one of those that are meant."""
        if version.numbers[: len(self.numbers)] != self.numbers:
            return False
        if version.is_prerelease and (
            self.labels is None or not version.prerelease.lower().startswith(self.labels.lower())
        ):
            return False
        return self.within.contains(version)

    def __str__(self) -> str:
        return self.original


def read_filter(text: str) -> VersionRange | FloatingVersion:
    """Read a range, or a floating version where there is a star. Raises InvalidVersionRange."""
    return FloatingVersion.parse(text) if "*" in text else VersionRange.parse(text)


def _parse(text: str) -> tuple[tuple[int, ...], str | None, str]:
    """Return numbers and labels of a floating version, and the lowest version that is meant."""
    found = _FLOAT.fullmatch(text)
    if found is None or "*" not in text:
        raise InvalidVersionRange(f"'{text[:100]}' is not a floating version.")
    floats = found["numbers"].endswith("*")
    labels = found["labels"] if found["star"] else None
    lowest = found["numbers"].replace("*", "0")
    if labels is not None:
        # What the star stands for begins with the lowest label where a label begins.
        lowest += f"-{labels}0" if not labels or labels.endswith(".") else f"-{labels}"
    try:
        version = Version.parse(lowest)
    except InvalidVersion as error:
        raise InvalidVersionRange(f"'{text[:100]}' is not a floating version: {error}") from error
    count = found["numbers"].count(".") if floats else NUMBER_PARTS
    all_numbers: Numbers = version.numbers
    return all_numbers[:count], labels, lowest

"""Intervals of versions in the notation of NuGet, and unions of them in that of Maven."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from agent.versions.schemes import read_version
from agent.versions.version import InvalidVersion, Scheme, Version

MAX_LENGTH = 1024
_MAX_BOUNDS = 2
_MAVEN_PIECE = re.compile(r"[\[(][^\[\]()]*[\])]")


class InvalidVersionRange(ValueError):
    """The text is not a range of versions."""


@dataclass(frozen=True, slots=True)
class Interval:
    """The versions between two bounds; a missing bound is open."""

    minimum: Version | None
    maximum: Version | None
    includes_minimum: bool
    includes_maximum: bool

    def contains(self, version: Version) -> bool:
        """Whether the version lies inside; metadata plays no part."""
        precedence = version.precedence
        if self.minimum is not None:
            low = self.minimum.precedence
            if precedence < low or (precedence == low and not self.includes_minimum):
                return False
        if self.maximum is not None:
            high = self.maximum.precedence
            if precedence > high or (precedence == high and not self.includes_maximum):
                return False
        return True

    @property
    def normalized(self) -> str:
        if (
            self.minimum is not None
            and self.maximum is not None
            and self.includes_minimum
            and self.includes_maximum
            and self.minimum.same_precedence(self.maximum)
        ):
            return f"[{self.minimum.normalized}]"
        opening = "[" if self.minimum is not None and self.includes_minimum else "("
        closing = "]" if self.maximum is not None and self.includes_maximum else ")"
        low = self.minimum.normalized if self.minimum is not None else ""
        high = self.maximum.normalized if self.maximum is not None else ""
        return f"{opening}{low}, {high}{closing}"


@dataclass(frozen=True, slots=True)
class VersionRange:
    """One interval, or several of which a version must lie in one; bounds are of `scheme`."""

    intervals: tuple[Interval, ...]
    original: str
    scheme: Scheme = Scheme.SEMVER

    @classmethod
    def parse(cls, text: str, scheme: Scheme = Scheme.SEMVER) -> VersionRange:
        """Read NuGet's notation: `1.0` means at least 1.0. Raises InvalidVersionRange."""
        trimmed = _checked(text)
        if trimmed[0] in "[(":
            return cls((_parse_interval(trimmed, scheme),), trimmed, scheme)
        least = _parse_bound(trimmed, trimmed, scheme)
        return cls((Interval(least, None, True, False),), trimmed, scheme)

    @classmethod
    def parse_maven(cls, text: str, scheme: Scheme = Scheme.SEMVER) -> VersionRange:
        """Read Maven's notation: `1.0` allows any version, intervals may be joined by commas.

        Raises InvalidVersionRange.
        """
        trimmed = _checked(text)
        if trimmed[0] not in "[(":
            _parse_bound(trimmed, trimmed, scheme)
            return cls((Interval(None, None, False, False),), trimmed, scheme)
        intervals: list[Interval] = []
        position = 0
        while True:
            piece = _MAVEN_PIECE.match(trimmed, position)
            if piece is None:
                raise InvalidVersionRange(f"'{trimmed}' is not a range of versions.")
            intervals.append(_parse_interval(piece.group(), scheme))
            rest = trimmed[piece.end() :].lstrip()
            if not rest:
                return cls(tuple(intervals), trimmed, scheme)
            if not rest.startswith(","):
                raise InvalidVersionRange(f"'{trimmed}' is not a range of versions.")
            position = len(trimmed) - len(rest[1:].lstrip())

    def contains(self, version: Version) -> bool:
        """Whether the version lies in the range; prereleases count by their place in the order.

        For a version of another scheme the range is read by the rules of that one.
        """
        if version.scheme is not self.scheme:
            other = _of_scheme(self.original, version.scheme)
            return other is not None and other.contains(version)
        return any(interval.contains(version) for interval in self.intervals)

    @property
    def normalized(self) -> str:
        return ",".join(interval.normalized for interval in self.intervals)

    @property
    def bounds(self) -> list[Version]:
        """All versions that the range names."""
        pairs = [(each.minimum, each.maximum) for each in self.intervals]
        return [bound for pair in pairs for bound in pair if bound is not None]

    @property
    def admits_prerelease(self) -> bool:
        """Whether a bound is a prerelease, so that prereleases are meant to be chosen."""
        return any(bound.is_prerelease for bound in self.bounds)

    def __str__(self) -> str:
        return self.original


def read_range(text: str, scheme: Scheme = Scheme.SEMVER) -> VersionRange:
    """Read a range as people write it for packages of that scheme. Raises InvalidVersionRange.

    `1.0` means any version to Maven and at least 1.0 to others, unions are for all.
    """
    if scheme is Scheme.MAVEN:
        return VersionRange.parse_maven(text, scheme)
    try:
        return VersionRange.parse(text, scheme)
    except InvalidVersionRange:
        if not text.strip().startswith(("[", "(")):
            raise
        return VersionRange.parse_maven(text, scheme)


@lru_cache(maxsize=256)
def _of_scheme(text: str, scheme: Scheme) -> VersionRange | None:
    try:
        return read_range(text, scheme)
    except InvalidVersionRange:
        return None


def _checked(text: str) -> str:
    if len(text) > MAX_LENGTH:
        raise InvalidVersionRange(f"A range may have at most {MAX_LENGTH} characters.")
    trimmed = text.strip()
    if not trimmed:
        raise InvalidVersionRange("A range of versions may not be empty.")
    return trimmed


def _parse_interval(text: str, scheme: Scheme) -> Interval:
    if text[-1] not in "])":
        raise InvalidVersionRange(f"'{text}' does not end with a bracket.")
    includes_minimum, includes_maximum = text[0] == "[", text[-1] == "]"
    parts = text[1:-1].split(",")
    # Compared before trimming: a blank between the brackets is what makes `(, )` legal.
    if len(parts) > _MAX_BOUNDS or all(part == "" for part in parts):
        raise InvalidVersionRange(f"'{text}' is not a range of versions.")
    if len(parts) == 1:
        if not (includes_minimum and includes_maximum):
            raise InvalidVersionRange(f"'{text}': a single version needs square brackets.")
        exact = _parse_bound(parts[0], text, scheme)
        return Interval(exact, exact, True, True)
    low = _parse_bound(parts[0], text, scheme) if parts[0].strip() else None
    high = _parse_bound(parts[1], text, scheme) if parts[1].strip() else None
    if low is not None and high is not None:
        if low.precedence > high.precedence:
            raise InvalidVersionRange(f"'{text}': the lower bound is above the upper bound.")
        if low.precedence == high.precedence and includes_minimum != includes_maximum:
            raise InvalidVersionRange(f"'{text}' can match nothing.")
    return Interval(low, high, includes_minimum, includes_maximum)


def _parse_bound(text: str, whole: str, scheme: Scheme) -> Version:
    try:
        return read_version(text, scheme)
    except InvalidVersion as error:
        raise InvalidVersionRange(f"'{whole}' is not a range of versions: {error}") from error

"""The prerelease rule of a channel: a pattern that is searched in a version's labels."""

from __future__ import annotations

from functools import lru_cache
from typing import Protocol

from agent.patterns import InvalidPattern, Pattern, PatternTooExpensive, compile_pattern
from agent.versions.version import Version

MAX_PATTERN_LENGTH = 500


class Versions(Protocol):
    """Some of all versions, such as those of a range."""

    def contains(self, version: Version) -> bool: ...


class InvalidTagPattern(ValueError):
    """The pattern of a rule cannot be used."""


def tag_text(version: Version) -> str:
    """Give the text a tag pattern is searched in: labels, then `+` and metadata if any."""
    return f"{version.prerelease}+{version.metadata}" if version.metadata else version.prerelease


def matches_tag(version: Version, pattern: str) -> bool:
    """Whether the pattern is found in the version's labels or metadata; an empty one always is.

    The work is bounded by the product of both lengths. Raises InvalidTagPattern.
    """
    if not pattern:
        return True
    try:
        return _compiled(pattern).search(tag_text(version)) is not None
    except PatternTooExpensive as error:
        raise InvalidTagPattern(str(error)) from error


def matches_rule(version: Version, version_range: Versions | None, tag: str) -> bool:
    """Whether a channel's rule accepts the version; an absent part of the rule accepts all."""
    in_range = version_range is None or version_range.contains(version)
    return in_range and matches_tag(version, tag)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Pattern:
    if len(pattern) > MAX_PATTERN_LENGTH:
        raise InvalidTagPattern(f"A tag pattern may have at most {MAX_PATTERN_LENGTH} characters.")
    try:
        return compile_pattern(pattern)
    except InvalidPattern as error:
        raise InvalidTagPattern(f"The tag pattern is not valid: {error}") from error

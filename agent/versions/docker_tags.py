"""Tags of container images as versions: any tag is one, `latest` comes before all numbers."""

from __future__ import annotations

import re

from agent.versions.version import (
    MAX_LENGTH,
    InvalidVersion,
    Numbers,
    Scheme,
    Version,
    label_key,
    read_numbers,
)

LATEST = "latest"

_NUMBERS = re.compile(r"[vV]?([0-9]+(?:\.[0-9]+){0,3})")
_RELEASE = re.compile(r"[._\\-]?([A-Za-z0-9._\\-]*)")
_METADATA = re.compile(r"[A-Za-z0-9._\\+-]*")
_BETWEEN_LABELS = re.compile(r"[^A-Za-z0-9]")
_NO_NUMBERS: Numbers = (0, 0, 0, 0)


def parse_docker_tag(text: str) -> Version:
    """Read a tag: up to four numbers, and whatever follows as labels. Raises InvalidVersion.

    `3.12-slim` is a prerelease of 3.12, `alpine` one of 0; `latest` is none. Metadata has no part
    in the order, and between labels every character that is no letter or digit is the same.
    """
    if len(text) > MAX_LENGTH:
        raise InvalidVersion(f"A version may have at most {MAX_LENGTH} characters.")
    original = text.strip()
    rest, _, metadata = original.partition("+")
    found = _NUMBERS.match(rest)
    numbers = read_numbers(found[1], original) if found else _NO_NUMBERS
    release = _RELEASE.fullmatch(rest, found.end() if found else 0)
    if not original or release is None or not _METADATA.fullmatch(metadata):
        raise InvalidVersion(f"'{original}' is not a tag of a container image.")
    labels = tuple(_BETWEEN_LABELS.split(release[1])) if release[1] else ()
    return Version(
        numbers=numbers,
        labels=labels,
        metadata=metadata,
        original=original,
        precedence=(numbers, not labels, tuple(label_key(label) for label in labels)),
        is_prerelease=bool(labels) and original.lower() != LATEST,
        tie=original,
        scheme=Scheme.DOCKER,
    )

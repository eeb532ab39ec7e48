"""A version of a package or release: loose to read, exact to compare, shown as written."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import total_ordering
from typing import Any, TypeAlias

MAX_LENGTH = 512
MAX_NUMBER = 2**31 - 1
NUMBER_PARTS = 4
SHOWN_PARTS = 3

_NUMBER = re.compile(r"[0-9]+")
_LABEL = re.compile(r"[0-9A-Za-z-]+")

LabelKey: TypeAlias = tuple[int, int, str]
Numbers: TypeAlias = tuple[int, int, int, int]


class Scheme(StrEnum):
    """By which rules a text is read as a version; those of two schemes have no common order."""

    SEMVER = "Semver"
    DOCKER = "Docker"
    MAVEN = "Maven"


class InvalidVersion(ValueError):
    """The text is not a version."""


@total_ordering
@dataclass(frozen=True, slots=True, eq=False)
class Version:
    """One to four numbers, prerelease labels and build metadata.

    Comparison and equality follow the feed's rule: numbers, then a stable version after its
    prereleases, then labels without regard to case, and last the metadata, so that two builds of
    one version stay two packages. `precedence` is the same order without the metadata; it can be
    compared within one scheme only. `tie` orders versions that it does not tell apart.
    """

    numbers: Numbers
    labels: tuple[str, ...]
    metadata: str
    original: str
    precedence: Any = field(repr=False)
    is_prerelease: bool
    tie: str = field(repr=False)
    scheme: Scheme = Scheme.SEMVER

    @classmethod
    def parse(cls, text: str) -> Version:
        """Read a version; one leading `v` is ignored. Raises InvalidVersion."""
        if len(text) > MAX_LENGTH:
            raise InvalidVersion(f"A version may have at most {MAX_LENGTH} characters.")
        original = text.strip()
        rest, plus, metadata = original.removeprefix("v").partition("+")
        number_text, dash, label_text = rest.partition("-")
        numbers = read_numbers(number_text, original)
        labels = _parse_labels(label_text, original) if dash else ()
        if plus:
            _parse_labels(metadata, original)
        return cls(
            numbers=numbers,
            labels=labels,
            metadata=metadata,
            original="".join(original.split()),
            precedence=(numbers, not labels, tuple(label_key(label) for label in labels)),
            is_prerelease=bool(labels),
            tie=metadata.upper(),
        )

    @classmethod
    def try_parse(cls, text: str) -> Version | None:
        """Read a version, or answer None when the text is not one."""
        try:
            return cls.parse(text)
        except InvalidVersion:
            return None

    @property
    def major(self) -> int:
        return self.numbers[0]

    @property
    def minor(self) -> int:
        return self.numbers[1]

    @property
    def patch(self) -> int:
        return self.numbers[2]

    @property
    def revision(self) -> int:
        return self.numbers[3]

    @property
    def prerelease(self) -> str:
        """The labels as written, joined by dots; empty for a stable version."""
        return ".".join(self.labels)

    @property
    def is_semver2(self) -> bool:
        """Whether clients older than semantic versioning 2 cannot read this version."""
        return len(self.labels) > 1 or bool(self.metadata)

    @property
    def normalized(self) -> str:
        """Three numbers, the fourth only when not zero, and the labels; no metadata.

        What is no semantic version stays as it is written, for its place of origin knows it so.
        """
        if self.scheme is not Scheme.SEMVER:
            return self.original
        shown = self.numbers if self.numbers[SHOWN_PARTS] else self.numbers[:SHOWN_PARTS]
        text = ".".join(map(str, shown))
        return f"{text}-{self.prerelease}" if self.labels else text

    @property
    def full(self) -> str:
        """The normalized text with the metadata."""
        if self.scheme is not Scheme.SEMVER:
            return self.original
        return f"{self.normalized}+{self.metadata}" if self.metadata else self.normalized

    @property
    def key(self) -> str:
        """A text equal for equal versions: the full text in lower case, numbers of labels bare."""
        if self.scheme is not Scheme.SEMVER:
            return self.tie
        labels = [
            str(number) if kind == 0 else text.lower() for kind, number, text in self.precedence[2]
        ]
        shown = self.numbers if self.numbers[SHOWN_PARTS] else self.numbers[:SHOWN_PARTS]
        text = ".".join(map(str, shown))
        if labels:
            text = f"{text}-{'.'.join(labels)}"
        return f"{text}+{self.metadata.lower()}" if self.metadata else text

    @property
    def sort_key(self) -> str:
        """A text whose bytewise order is the order of versions without metadata, for SQL.

        For semantic versions and tags only.
        """
        numbers = ".".join(f"{number:010d}" for number in self.numbers)
        if not self.labels:
            return f"{numbers}~"
        labels = [
            f"0{number:010d}" if kind == 0 else f"1{text.lower()}"
            for kind, number, text in self.precedence[2]
        ]
        return f"{numbers}-{'!'.join(labels)}"

    def same_precedence(self, other: Version) -> bool:
        """Whether the versions are equal when metadata is left out of account."""
        return bool(self.precedence == other.precedence)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Version):
            return NotImplemented
        return self._place == other._place

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Version):
            return NotImplemented
        return self._place < other._place

    def __hash__(self) -> int:
        return hash(self._place)

    @property
    def _place(self) -> tuple[Scheme, Any, str]:
        return self.scheme, self.precedence, self.tie

    def __str__(self) -> str:
        return self.original


def read_numbers(text: str, original: str) -> Numbers:
    """Read one to four numbers with dots between them; raises InvalidVersion."""
    parts = [part.strip(" ") for part in text.split(".")]
    if len(parts) > NUMBER_PARTS:
        raise InvalidVersion(f"'{original}' has more than {NUMBER_PARTS} numbers.")
    if not all(_NUMBER.fullmatch(part) for part in parts):
        raise InvalidVersion(f"'{original}' is not a version.")
    # The significant digits are counted first: int() of a very long text is slow.
    if any(len(part.lstrip("0")) > len(str(MAX_NUMBER)) for part in parts):
        raise InvalidVersion(f"A number in '{original}' is larger than {MAX_NUMBER}.")
    values = [int(part) for part in parts] + [0] * (NUMBER_PARTS - len(parts))
    if max(values) > MAX_NUMBER:
        raise InvalidVersion(f"A number in '{original}' is larger than {MAX_NUMBER}.")
    major, minor, patch, revision = values
    return major, minor, patch, revision


def _parse_labels(text: str, original: str) -> tuple[str, ...]:
    labels = tuple(text.split("."))
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise InvalidVersion(
            f"'{original}' is not a version: labels are letters, digits and dashes."
        )
    return labels


def label_key(label: str) -> LabelKey:
    """Return what orders labels: numbers before texts, texts without regard to case."""
    digits = label.lstrip("0") or "0"
    if _NUMBER.fullmatch(label) and len(digits) <= len(str(MAX_NUMBER)):
        number = int(digits)
        if number <= MAX_NUMBER:
            return 0, number, ""
    return 1, 0, label.upper()

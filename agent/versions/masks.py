"""Masks for the next version number: `i` increments a part, `c` keeps the current one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from agent.versions.version import MAX_LENGTH, InvalidVersion, Version

INCREMENT = "i"
CURRENT = "c"
_SUBSTITUTES = (INCREMENT, CURRENT)
_PART = r"([0-9]+|i|c)"
_MASK = re.compile(
    rf"([vV]?){_PART}(?:\.{_PART})?(?:\.{_PART})?(?:\.{_PART})?(?:-([^+\s]*))?(?:\+(\S*))?"
)


@dataclass(frozen=True, slots=True)
class VersionMask:
    """A version number whose parts may be `i` or `c`; a part left out is None."""

    prefix: str
    parts: tuple[str | None, ...]
    labels: tuple[str, ...]
    metadata: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> VersionMask:
        """Read a mask or a plain version. Raises InvalidVersion."""
        match = _MASK.fullmatch(text.strip()) if len(text) <= MAX_LENGTH else None
        if match is None:
            raise InvalidVersion(f"'{text[:MAX_LENGTH]}' is neither a version nor a mask.")
        prefix, *parts = match.group(1, 2, 3, 4, 5)
        labels, metadata = match.group(6, 7)
        return cls(
            prefix=prefix,
            parts=tuple(parts),
            labels=tuple(labels.split(".")) if labels else (),
            metadata=tuple(metadata.split(".")) if metadata else (),
        )

    @property
    def has_substitutes(self) -> bool:
        """Whether something is left to fill in: a number part, or the last of several labels."""
        in_numbers = any(part in _SUBSTITUTES for part in self.parts)
        in_labels = len(self.labels) > 1 and self.labels[-1] in _SUBSTITUTES
        return in_numbers or in_labels

    def accepts(self, version: Version) -> bool:
        """Whether the version agrees with the fixed numbers left of the first substitute."""
        for part, number in zip(self.parts, version.numbers, strict=True):
            if part in _SUBSTITUTES:
                return True
            if int(part or 0) != number:
                return False
        return True

    def without_previous(self) -> str:
        """Fill the mask when nothing precedes it: every substitute is 0."""
        numbers = ["0" if part in _SUBSTITUTES else part for part in self.parts if part is not None]
        labels = ["0" if label in _SUBSTITUTES else label for label in self.labels]
        metadata = ["0" if label in _SUBSTITUTES else label for label in self.metadata]
        return self._join(numbers, labels, metadata)

    def after(self, current: VersionMask) -> str:
        """Fill the mask from the version it follows."""
        numbers: list[str] = []
        previous: str | None = None
        for index, part in enumerate(self.parts):
            existing = current.parts[index]
            if part is None:
                # The current version is one part longer than the mask: it starts again at 0.
                if existing is not None and previous is not None:
                    numbers.append("0")
            elif previous == INCREMENT and part in _SUBSTITUTES:
                numbers.append("0")
            else:
                numbers.append(_substitute(part, existing))
            previous = part
        return self._join(
            numbers,
            _fill_labels(self.labels, current.labels),
            _fill_labels(self.metadata, current.metadata),
        )

    def _join(self, numbers: list[str], labels: list[str], metadata: list[str]) -> str:
        text = self.prefix + ".".join(numbers)
        if labels:
            text = f"{text}-{'.'.join(labels)}"
        return f"{text}+{'.'.join(metadata)}" if metadata else text


def is_mask(text: str) -> bool:
    """Whether the text asks for a number to be filled in."""
    try:
        return VersionMask.parse(text).has_substitutes
    except InvalidVersion:
        return False


def next_version(mask: str, previous: Iterable[Version]) -> str:
    """Fill the mask from the highest earlier version that agrees with its fixed numbers.

    A plain version comes back with the number of parts of the version it follows. Raises
    InvalidVersion when the text is neither.
    """
    parsed = VersionMask.parse(mask)
    candidates = [version for version in previous if parsed.accepts(version)]
    if not candidates:
        return parsed.without_previous()
    return parsed.after(VersionMask.parse(max(candidates).original))


def _fill_labels(labels: tuple[str, ...], current: tuple[str, ...]) -> list[str]:
    reset_follows = len(labels) > 1 and labels[-1] in _SUBSTITUTES
    filled: list[str] = []
    for index, label in enumerate(labels):
        if reset_follows and index > 0 and labels[index - 1] == INCREMENT:
            filled.append("0")
        else:
            filled.append(_substitute(label, current[index] if index < len(current) else None))
    return filled


def _substitute(part: str, current: str | None) -> str:
    if part not in _SUBSTITUTES:
        return part
    number = int(current) if current is not None and re.fullmatch("[0-9]{1,10}", current) else 0
    return str(number + 1 if part == INCREMENT else number)

"""The replacement text of a pattern: `$1`, `${name}`, `$&`, `$$` and their kin."""

from __future__ import annotations

import re

Spans = tuple[tuple[int, int], ...]

_REFERENCE = re.compile(r"\$(?:([0-9]{1,9})|\{(\w{1,100})\}|([$&`'_+]))")


def expand(replacement: str, text: str, spans: Spans, names: dict[str, int]) -> str:
    """Fill a replacement from one match; a reference to no group stays as written."""
    if "$" not in replacement:
        return replacement

    def fill(reference: re.Match[str]) -> str:
        digits, name, sign = reference.groups()
        if sign is not None:
            return _sign(sign, text, spans)
        if digits is not None:
            # The longest number that names a group counts; what follows it is text.
            for length in range(len(digits), 0, -1):
                if int(digits[:length]) < len(spans):
                    return _cut(text, spans[int(digits[:length])]) + digits[length:]
            return reference.group()
        number = int(name) if name.isascii() and name.isdecimal() else names.get(name)
        if number is None or number >= len(spans):
            return reference.group()
        return _cut(text, spans[number])

    return _REFERENCE.sub(fill, replacement)


def _sign(sign: str, text: str, spans: Spans) -> str:
    start, end = spans[0]
    match sign:
        case "$":
            return "$"
        case "&":
            return text[start:end]
        case "`":
            return text[:start]
        case "'":
            return text[end:]
        case "_":
            return text
        case _:
            return _cut(text, spans[-1])


def _cut(text: str, span: tuple[int, int]) -> str:
    return text[span[0] : span[1]] if span[0] >= 0 else ""

"""The replacement text of a pattern: `$1`, `${name}`, `$&`, `$$` and their kin."""

from __future__ import annotations

import re

from agent.patterns.groups import Groups

Spans = tuple[tuple[int, int], ...]

_REFERENCE = re.compile(r"\$(?:([0-9]+)|\{(\w{1,100})\}|([$&`'_+]))")


def expand(replacement: str, text: str, spans: Spans, groups: Groups) -> str:
    """Fill a replacement from one match; a reference to no group stays as written."""
    if "$" not in replacement:
        return replacement

    def fill(reference: re.Match[str]) -> str:
        digits, name, sign = reference.groups()
        if sign is not None:
            return _sign(sign, text, spans)
        place = groups.place(digits or name)
        return reference.group() if place is None else _cut(text, spans[place])

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

"""Write values of JSON: as the text that stands for one, and as JSON again."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Final, TypeAlias

from agent.language.characters import whole_characters
from agent.language.culture import Culture
from agent.language.json_values.dates import JsonDate, read_date
from agent.language.limits import LanguageError
from agent.language.numbers import double_text


@dataclass(frozen=True, slots=True)
class Source:
    """A value that has no members and is written as it stands: `new Set(1)`."""

    text: str


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment among the elements of an array, where it counts as one of them."""

    text: str


Json: TypeAlias = (
    "dict[str, Json] | list[Json] | str | int | float | bool | Source | Comment | JsonDate | None"
)

_LINE_SEPARATORS: Final = {0x85: "\\u0085", 0x2028: "\\u2028", 0x2029: "\\u2029"}
_LARGEST: Final = 2**63


def scalar_text(value: Json, culture: Culture) -> str:
    """Give the text a value is substituted as. Raises LanguageError for a number too large."""
    match value:
        case None:
            return ""
        case bool():
            return "True" if value else "False"
        case int():
            if not -_LARGEST <= value < _LARGEST:
                raise LanguageError(f"A number of JSON has more than 64 bits: {str(value)[:40]}.")
            return str(value)
        case float():
            return double_text(value)
        case str():
            date = read_date(value)
            return whole_characters(value) if date is None else date.shown(culture)
        case JsonDate():
            return value.shown(culture)
        case Source() | Comment():
            return value.text
        case _:
            return compact(value)


def compact(value: Json) -> str:
    """Write the value as JSON without blanks; dates in their one form, text as it is."""
    match value:
        case dict():
            members = (f"{_quoted(name)}:{compact(each)}" for name, each in value.items())
            return f"{{{','.join(members)}}}"
        case list():
            return f"[{_elements(value)}]"
        case str():
            date = read_date(value)
            return _quoted(whole_characters(value) if date is None else date.iso)
        case JsonDate():
            return _quoted(value.iso)
        case Comment():
            return f"/*{value.text}*/"
        case Source():
            return value.text
        case _:
            return _plain(value)


def _plain(value: float | None) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case _:
            return _float(value)


def _elements(values: list[Json]) -> str:
    """Write the elements; a comma stands before each but the first, and before no comment."""
    written: list[str] = []
    needs_comma = False
    for value in values:
        if not isinstance(value, Comment):
            if needs_comma:
                written.append(",")
            needs_comma = True
        written.append(compact(value))
    return "".join(written)


def _float(value: float) -> str:
    text = double_text(value)
    if not math.isfinite(value):
        return f'"{text}"'
    return text if "." in text or "E" in text else f"{text}.0"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).translate(_LINE_SEPARATORS)

"""Look into values that are JSON: members of objects, elements of arrays."""

from __future__ import annotations

import json
import re
from datetime import datetime
from functools import lru_cache
from typing import TypeAlias

from agent.language.numbers import double_text, parse_int32

MAX_LENGTH = 4_000_000
_CACHED_LENGTH = 100_000
_MAX_FRACTION = 6
_DATE = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})"
    r"(?:\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})?"
)
_LINE_SEPARATORS = {0x85: "\\u0085", 0x2028: "\\u2028", 0x2029: "\\u2029"}

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"


class NegativeIndex(ValueError):
    """An element before the first was asked for."""


def member_text(text: str, step: str) -> str | None:
    """Give the text of a member or element, empty when it is missing or null.

    None when the value has no members of this kind. Raises NegativeIndex.
    """
    container = _container(text)
    if isinstance(container, dict):
        return scalar_text(container.get(step))
    if isinstance(container, list):
        index = parse_int32(step)
        if index is None:
            return None
        if index < 0:
            raise NegativeIndex(f"An element before the first was asked for: [{step}].")
        return scalar_text(container[index]) if index < len(container) else ""
    return None


def items_of(text: str) -> list[str] | list[tuple[str, str]] | None:
    """Give the elements of an array, or the names and values of an object; None for others."""
    container = _container(text)
    if isinstance(container, list):
        return [scalar_text(element) for element in container]
    if isinstance(container, dict):
        return [(name, scalar_text(value)) for name, value in container.items()]
    return None


def scalar_text(value: Json) -> str:
    """Give the text a value is substituted as."""
    match value:
        case None:
            return ""
        case bool():
            return "True" if value else "False"
        case int():
            return str(value)
        case float():
            return double_text(value)
        case str():
            return _date_text(value) or value
        case _:
            compact = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
            return compact.translate(_LINE_SEPARATORS)


def _container(text: str) -> dict[str, Json] | list[Json] | None:
    stripped = text.lstrip()
    # Most values are no JSON at all: do not ask the parser about them.
    if not stripped.startswith(("{", "[")) or len(text) > MAX_LENGTH:
        return None
    parsed = _load_cached(text) if len(text) <= _CACHED_LENGTH else _load(text)
    return parsed if isinstance(parsed, (dict, list)) else None


def _load(text: str) -> Json:
    try:
        parsed: Json = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None
    return parsed


_load_cached = lru_cache(maxsize=128)(_load)


def _date_text(text: str) -> str | None:
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    seconds, zone = match.groups()
    try:
        moment = datetime.fromisoformat(seconds + (zone or "").upper().replace("Z", ""))
        if moment.tzinfo is not None:
            moment = moment.astimezone()
    except (ValueError, OverflowError):
        return None
    return moment.strftime("%m/%d/") + f"{moment.year:04d}" + moment.strftime(" %H:%M:%S")

"""Look into values that are JSON: members of objects, elements of arrays."""

from __future__ import annotations

from functools import lru_cache

from agent.language.characters import SPACES
from agent.language.culture import Culture
from agent.language.json_values.reading import read_json
from agent.language.json_values.writing import Json, scalar_text
from agent.language.numbers import parse_int32

MAX_LENGTH = 4_000_000
_CACHED_LENGTH = 100_000
_REFERENCE = "$ref"


class NegativeIndex(ValueError):
    """An element before the first was asked for."""


def member_text(text: str, step: str, culture: Culture) -> str | None:
    """Give the text of a member or element, empty when it is missing or null.

    None when the value has no members of this kind. Raises NegativeIndex, LanguageError.
    """
    container = _container(text)
    if isinstance(container, dict):
        return scalar_text(container.get(step), culture)
    if isinstance(container, list):
        index = parse_int32(step)
        if index is None:
            return None
        if index < 0:
            raise NegativeIndex(f"An element before the first was asked for: [{step}].")
        return scalar_text(container[index], culture) if index < len(container) else ""
    return None


def items_of(text: str, culture: Culture) -> list[str] | list[tuple[str, str]] | None:
    """Give the elements of an array, or the names and values of an object; None for others."""
    container = _container(text)
    if isinstance(container, list):
        return [scalar_text(element, culture) for element in container]
    if isinstance(container, dict):
        return [(name, scalar_text(value, culture)) for name, value in container.items()]
    return None


def _container(text: str) -> dict[str, Json] | list[Json] | None:
    # Most values are no JSON at all: do not ask the reader about them. It may begin with a comment.
    if not text.lstrip(SPACES).startswith(("{", "[", "/")) or len(text) > MAX_LENGTH:
        return None
    parsed = _load_cached(text) if len(text) <= _CACHED_LENGTH else _load(text)
    return parsed if isinstance(parsed, (dict, list)) else None


def _load(text: str) -> Json:
    try:
        found = read_json(text)
    except (ValueError, OverflowError):
        return None
    # To the origin's reader it would be another object, and there is none.
    return None if isinstance(found, dict) and next(iter(found), "") == _REFERENCE else found


_load_cached = lru_cache(maxsize=128)(_load)

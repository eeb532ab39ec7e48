"""Versions of Maven artifacts: any text is one, ordered as Maven orders them.

The rules are those of ComparableVersion in Maven 3: a text falls apart at dots, dashes and where
digits and letters meet; the latter two open a list within the list.
"""

from __future__ import annotations

import re
from functools import total_ordering
from itertools import zip_longest
from typing import Final, TypeAlias

from agent.versions.version import (
    MAX_LENGTH,
    MAX_NUMBER,
    NUMBER_PARTS,
    InvalidVersion,
    Numbers,
    Scheme,
    Version,
)

# A number or a qualifier.
Item: TypeAlias = int | str
# What a version consists of: each list is part of the one before it, as its last item.
Lists: TypeAlias = list[list[Item]]

_MORE: Final = "-"
"""In place of the list that follows; no qualifier is called so."""
_QUALIFIERS = ("alpha", "beta", "milestone", "rc", "snapshot", "", "sp")
_ALIASES = {"ga": "", "final": "", "cr": "rc"}
_SHORT = {"a": "alpha", "b": "beta", "m": "milestone"}
_PRERELEASE = re.compile(r"snapshot|alpha|beta|milestone|rc|cr|[abm](?=[0-9])")
_LEADING = re.compile(r"[0-9]+(?:\.[0-9]+){0,3}(?![0-9])")
_BUILD = re.compile(r"-[0-9]+(?![0-9A-Za-z])")
_SEPARATORS = ".-_"


def parse_maven_version(text: str) -> Version:
    """Read a version such as `2.1-alpha-3` or `1.0-SNAPSHOT`. Raises InvalidVersion."""
    if len(text) > MAX_LENGTH:
        raise InvalidVersion(f"A version may have at most {MAX_LENGTH} characters.")
    original = text.strip()
    if not original or not original.isprintable() or any(map(str.isspace, original)):
        raise InvalidVersion(f"'{original[:100]}' is not a version of a Maven artifact.")
    numbers, qualifier = _shown_parts(original)
    return Version(
        numbers=numbers,
        labels=(qualifier,) if qualifier else (),
        metadata="",
        original=original,
        precedence=MavenOrder(original),
        is_prerelease=_PRERELEASE.match(qualifier.lower()) is not None,
        tie=original,
        scheme=Scheme.MAVEN,
    )


@total_ordering
class MavenOrder:
    """The place of a version among those of Maven; `1`, `1.0` and `1.0-ga` have the same."""

    __slots__ = ("_lists",)

    def __init__(self, text: str) -> None:
        self._lists = _read_lists(text.lower())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MavenOrder) and _compare(self._lists, other._lists) == 0

    def __lt__(self, other: MavenOrder) -> bool:
        return _compare(self._lists, other._lists) < 0

    def __hash__(self) -> int:
        return hash(tuple(map(tuple, self._lists)))


def _shown_parts(original: str) -> tuple[Numbers, str]:
    """Return the leading numbers and the qualifier after them and after the number of a build."""
    leading = _LEADING.match(original)
    rest = original[leading.end() :] if leading else original
    build = _BUILD.match(rest)
    rest = rest[build.end() :] if build else rest
    parts = [int(part) for part in leading[0].split(".")] if leading else []
    values = [min(part, MAX_NUMBER) for part in parts] + [0] * (NUMBER_PARTS - len(parts))
    major, minor, patch, revision = values
    return (major, minor, patch, revision), rest.lstrip(_SEPARATORS)


def _read_lists(text: str) -> Lists:
    lists: Lists = [[]]
    place = 0
    while place < len(text):
        token, separator, place = _next_token(text, place)
        is_left = place < len(text)
        if not token or _is_digit(token[0]):
            lists[-1].append(int(token or 0))
        else:
            before_digit = not separator and is_left and _is_digit(text[place])
            lists[-1].append(_qualifier(token, is_before_digit=before_digit))
        if separator == "-" or (is_left and not separator):
            lists.append([])
    for items in lists:
        while items and not items[-1]:
            items.pop()  # zeros and `final` say nothing at the end
    while len(lists) > 1 and not lists[-1]:
        lists.pop()
    return lists


def _next_token(text: str, place: int) -> tuple[str, str, int]:
    """Return digits or letters, the separator after them, either may be missing, and the end."""
    end = place
    if text[place] not in ".-":
        kind = _is_digit(text[place])
        while end < len(text) and text[end] not in ".-" and _is_digit(text[end]) is kind:
            end += 1
    separator = text[end] if end < len(text) and text[end] in ".-" else ""
    return text[place:end], separator, end + len(separator)


def _is_digit(letter: str) -> bool:
    return "0" <= letter <= "9"


def _qualifier(token: str, *, is_before_digit: bool) -> str:
    if is_before_digit and token in _SHORT:
        return _SHORT[token]
    return _ALIASES.get(token, token)


def _compare(one: Lists, other: Lists) -> int:
    """Return below, above or 0 as Maven orders two versions."""
    for level in range(max(len(one), len(other))):
        mine, its = _items_of(one, level), _items_of(other, level)
        for item, against in zip_longest(mine, its):
            if against is None and item == _MORE:
                return _compare_with_nothing(one[level + 1 :])
            if item is None and against == _MORE:
                return -_compare_with_nothing(other[level + 1 :])
            if result := _compare_items(item, against):
                return result
    return 0


def _items_of(lists: Lists, level: int) -> list[Item]:
    if level >= len(lists):
        return []
    return [*lists[level], _MORE] if level + 1 < len(lists) else lists[level]


def _compare_with_nothing(lists: Lists) -> int:
    items = (item for each in lists for item in each)
    return next((result for item in items if (result := _compare_items(item, None))), 0)


def _compare_items(one: Item | None, other: Item | None) -> int:
    if one is None:
        return 0 if other is None else -_compare_items(other, None)
    if other is None:
        other = 0 if isinstance(one, int) else ""
    mine, its = _rank(one), _rank(other)
    return (mine > its) - (mine < its)


def _rank(item: Item) -> tuple[int, int, str]:
    """Return what orders items: qualifiers, then lists, then numbers.

    Qualifiers that Maven does not know come after those that it does, by letters.
    """
    if isinstance(item, int):
        return 2, item, ""
    if item == _MORE:
        return 1, 0, ""
    if item in _QUALIFIERS:
        return 0, _QUALIFIERS.index(item), ""
    return 0, len(_QUALIFIERS), item

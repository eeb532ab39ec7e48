"""Filters that take a version apart; they accept more than package versions: tags, file names."""

from __future__ import annotations

import re
from collections.abc import Callable

from agent.language.characters import SPACES
from agent.language.environment import Call, Filter
from agent.language.limits import FilterError
from agent.language.numbers import MAX_INT32

_MAX_LENGTH = 1000
# Possessive where nothing that follows could use what is given back: no quadratic retries.
_BLANKS = f"[{SPACES}]*+"
_VERSION = re.compile(
    rf"{_BLANKS}(?:[vV]?{_BLANKS}(?P<major>\d++\b){_BLANKS}"
    rf"(?:\.{_BLANKS}(?P<minor>\d++\b){_BLANKS})?(?:\.{_BLANKS}(?P<patch>\d++\b){_BLANKS})?"
    rf"(?:\.{_BLANKS}(?P<revision>\d++\b){_BLANKS})?)?"
    r"[.\-_\\]?(?P<release>(?P<prefix>[A-Za-z0-9]*+)(?:[.\-_\\](?P<counter>[A-Za-z0-9.\-_\\]*+))?)"
    rf"(?:\+(?P<metadata>[A-Za-z0-9_\-.\\+]*+))?{_BLANKS}"
)


def _part(name: str, *, number: bool = False) -> Callable[[Call], str]:
    def part(call: Call) -> str:
        found = _parse(call.text).group(name)
        if not number:
            return found or ""
        return str(_number(found or "0"))

    return part


def _parse(text: str) -> re.Match[str]:
    match = _VERSION.fullmatch(text) if text.strip(SPACES) and len(text) <= _MAX_LENGTH else None
    if match is None:
        raise FilterError(f"'{text[:100]}' is not a version.")
    for name in ("major", "minor", "patch", "revision"):
        _number(match.group(name) or "0")
    return match


def _number(digits: str) -> int:
    if not digits.isascii():
        raise FilterError("A number of a version has digits that cannot be read.")
    significant = digits.lstrip("0") or "0"
    if len(significant) > len(str(MAX_INT32)) or int(significant) > MAX_INT32:
        raise FilterError(f"A number of a version is larger than {MAX_INT32}.")
    return int(significant)


FILTERS = {
    "versionmajor": Filter(_part("major", number=True), most=None),
    "versionminor": Filter(_part("minor", number=True), most=None),
    "versionpatch": Filter(_part("patch", number=True), most=None),
    "versionrevision": Filter(_part("revision", number=True), most=None),
    "versionprerelease": Filter(_part("release"), most=None),
    "versionprereleaseprefix": Filter(_part("prefix"), most=None),
    "versionprereleasecounter": Filter(_part("counter"), most=None),
    "versionmetadata": Filter(_part("metadata"), most=None),
}

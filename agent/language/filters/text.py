"""Filters on plain text: case, parts, search and replacement, indentation."""

from __future__ import annotations

import re
import struct

from agent.language.characters import SPACES, lower, upper
from agent.language.environment import Call, Filter
from agent.language.limits import FilterError, LimitExceeded
from agent.language.numbers import MAX_INT32, parse_int32
from agent.patterns import InvalidPattern, Pattern, PatternTooExpensive, compile_pattern

MAX_INDENT = 255
# One for the first line and one for the others.
MOST_INDENTS = 2
DEFAULT_INDENT = "    "
_ONE_UNIT = "\uffff"
_UTF16 = "utf-16-le"
_FIRST_HALF = "\ud800"
_WIDTHS = re.compile(r"([0-9]{1,3})(?:/([0-9]{1,3}))?|/([0-9]{1,3})")


class _Units:
    """A text as the units of UTF-16 in which lengths are meant; half a character is U+FFFD."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.units = None if max(text, default="") <= _ONE_UNIT else text.encode(_UTF16)

    def __len__(self) -> int:
        return len(self.text) if self.units is None else len(self.units) // 2

    def cut(self, start: int, end: int) -> str:
        """Return the units from a place up to another."""
        if self.units is None:
            return self.text[start:end]
        return self.units[2 * start : 2 * end].decode(_UTF16, "replace")


def _units(text: str) -> str:
    """Give each unit of UTF-16 as a character, for patterns count them so."""
    if max(text, default="") <= _ONE_UNIT:
        return text
    units = text.encode(_UTF16, "surrogatepass")
    return "".join(map(chr, struct.unpack(f"<{len(units) // 2}H", units)))


def _to_upper(call: Call) -> str:
    return upper(call.text, maps_dotted_i=call.environment.culture.maps_dotted_i)


def _to_lower(call: Call) -> str:
    return lower(call.text, maps_dotted_i=call.environment.culture.maps_dotted_i)


def _trim(call: Call) -> str | None:
    if not call.options:
        return call.text.strip(SPACES)
    match call.options[0].lower():
        case "start":
            return call.text.lstrip(SPACES)
        case "end":
            return call.text.rstrip(SPACES)
        case _:
            return None


def _substring(call: Call) -> str | None:
    numbers = [parse_int32(option) for option in call.options]
    start, length = (0, *numbers) if len(numbers) == 1 else (numbers[0], numbers[1])
    text = _Units(call.text)
    if start is None or length is None or start < 0 or length < 0 or start > len(text):
        return None
    if start + length > MAX_INT32:
        raise FilterError("Substring: the sum of start and length is too large.")
    return text.cut(start, start + length)


def _truncate(call: Call) -> str | None:
    length = parse_int32(call.options[0])
    if length is None or length < 0:
        return None
    text = _Units(call.text)
    if length >= len(text):
        return call.text
    return text.cut(0, length) + (call.options[1] if len(call.options) > 1 else "...")


def _replace(call: Call) -> str:
    replacement = call.options[1] if len(call.options) > 1 else ""
    try:
        replaced = _pattern("Replace", call.options[0]).replace(
            _units(call.text), _units(replacement), longest=call.environment.limits.characters
        )
    except PatternTooExpensive as error:
        raise LimitExceeded(f"Replace: {error}") from error
    except InvalidPattern as error:
        raise FilterError(f"Replace: the replacement is not valid: {error}.") from error
    if max(replaced, default="") < _FIRST_HALF:
        return replaced
    return replaced.encode(_UTF16, "surrogatepass").decode(_UTF16, "replace")


def _match(call: Call) -> str:
    try:
        return _boolean(_pattern("Match", call.options[0]).search(_units(call.text)) is not None)
    except PatternTooExpensive as error:
        raise LimitExceeded(f"Match: {error}") from error


def _pattern(filter_name: str, text: str) -> Pattern:
    try:
        return compile_pattern(_units(text))
    except InvalidPattern as error:
        raise FilterError(f"{filter_name}: the pattern '{text}' is not valid: {error}.") from error


def _starts_with(call: Call) -> str:
    return _boolean(call.text.startswith(call.options[0]))


def _ends_with(call: Call) -> str:
    return _boolean(call.text.endswith(call.options[0]))


def _contains(call: Call) -> str:
    return _boolean(call.options[0] in call.text)


def _append(call: Call) -> str:
    return call.text + "".join(call.options)


def _prepend(call: Call) -> str:
    return "".join(call.options) + call.text


def _indent(call: Call) -> str | None:
    if not call.text:
        return ""
    if len(call.options) > MOST_INDENTS:
        return None
    first, rest = _prefixes(call.options)
    size = len(call.text) + len(first) + len(rest) * call.text.count("\n")
    if size > call.environment.limits.characters:
        raise LimitExceeded("Indent: the result is too long.")
    return first + call.text.replace("\n", f"\n{rest}")


def _prefixes(options: tuple[str, ...]) -> tuple[str, str]:
    if not options:
        return DEFAULT_INDENT, DEFAULT_INDENT
    if len(options) > 1:
        return options[0], options[1]
    widths = _WIDTHS.fullmatch(options[0])
    if widths is None or any(int(width) > MAX_INDENT for width in widths.groups() if width):
        return options[0], options[0]
    first, rest, rest_only = widths.groups()
    if rest_only is not None:
        return "", " " * int(rest_only)
    return " " * int(first), " " * int(rest if rest is not None else first)


def _null(_: Call) -> None:
    return None


def _boolean(value: bool) -> str:  # noqa: FBT001 - the value is the subject
    return "true" if value else "false"


FILTERS = {
    "toupper": Filter(_to_upper),
    "tolower": Filter(_to_lower),
    "trim": Filter(_trim, most=None),
    "substring": Filter(_substring, least=1, most=2),
    "truncate": Filter(_truncate, least=1, most=None),
    "replace": Filter(_replace, least=1, most=None),
    "match": Filter(_match, least=1, most=1),
    "startswith": Filter(_starts_with, least=1, most=1),
    "endswith": Filter(_ends_with, least=1, most=1),
    "contains": Filter(_contains, least=1, most=1),
    "append": Filter(_append, least=1, most=None, takes_missing=True),
    "prepend": Filter(_prepend, least=1, most=None, takes_missing=True),
    "indent": Filter(_indent, most=None),
    "null": Filter(_null, most=None, takes_missing=True),
}

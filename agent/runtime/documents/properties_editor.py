"""Put variables into Java properties files."""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from agent.runtime.documents.common import BrokenDocument, Edit, Outcome, apply_edits, check_size

# A logical line goes on over line ends that a backslash hides; a comment does not.
_COMMENT = re.compile(r"[ \t\f]*[#!][^\r\n]*(?:\r\n|[\r\n]|\Z)")
_LINE = re.compile(r"[ \t\f]*((?:[^\\\r\n]|\\(?:\r\n|[\s\S]|\Z))*)(?:\r\n|[\r\n]|\Z)")
_KEY = re.compile(r"(?:[^\\:=\s]|\\(?:\r\n[ \t\f]*|[\r\n][ \t\f]*|[\s\S]))*")
_SEPARATOR = re.compile(r"(?:[ \t\f]|\\(?:\r\n|[\r\n]))*[:=]?(?:[ \t\f]|\\(?:\r\n|[\r\n]))*")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|(?:\r\n|[\r\n])[ \t\f]*|[\s\S])")
_BAD_ESCAPE = re.compile(r"(?:^|[^\\])(?:\\\\)*\\u(?![0-9a-fA-F]{4})")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}
_WRITTEN = {"\\": "\\\\", "\r": "\\r", "\n": "\\n", "\t": "\\t", "\f": "\\f"}
_FIRST_ESCAPED = 0xFF


class _Entry(NamedTuple):
    key: str
    start: int
    end: int
    separated: bool


def replace_in_properties(text: str, values: Mapping[str, str]) -> Outcome:
    """Set the entries whose key is a variable's name in any case; raise BrokenDocument.

    Only the value is written anew. Names that begin with `Octopus` are never taken.
    """
    check_size(text)
    by_key = {name.lower(): name for name in values if not name.lower().startswith("octopus")}
    outcome = Outcome(text)
    edits: list[Edit] = []
    for entry in _entries(text):
        name = by_key.get(entry.key.lower())
        if name is None:
            continue
        written = _escaped(values[name])
        edits.append(Edit(entry.start, entry.end, written if entry.separated else f":{written}"))
        if name not in outcome.replaced:
            outcome.replaced.append(name)
    outcome.text = apply_edits(text, edits)
    return outcome


def _entries(text: str) -> Iterator[_Entry]:
    place = 0
    while place < len(text):
        line = _COMMENT.match(text, place)
        if line is None:
            line = _LINE.match(text, place)
            if line and line[1]:
                yield _entry(text, line.start(1), line.end(1))
        place = line.end() if line else len(text)


def _entry(text: str, start: int, end: int) -> _Entry:
    if bad := _BAD_ESCAPE.search(text, start, end):
        raise BrokenDocument("\\u needs four hexadecimal digits", text, bad.end())
    key = _KEY.match(text, start, end)
    key_end = key.end() if key else start
    separator = _SEPARATOR.match(text, key_end, end)
    value = separator.end() if separator else key_end
    return _Entry(_unescaped(text[start:key_end]), value, end, separated=value > key_end)


def _unescaped(raw: str) -> str:
    return _ESCAPE.sub(_character, raw)


def _character(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] in "\r\n":
        return ""
    return chr(int(code[1:], 16)) if len(code) > 1 else _ESCAPES.get(code, code)


def _escaped(value: str) -> str:
    written = "".join(_WRITTEN.get(char) or _encoded(char) for char in value)
    return f"\\{written}" if written.startswith(" ") else written


def _encoded(char: str) -> str:
    if ord(char) < _FIRST_ESCAPED:
        return char
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))

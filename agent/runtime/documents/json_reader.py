"""Read JSON as people write it into a tree of places.

Comments, trailing commas, single quotes and bare property names are read; they are common in
configuration files, and the text around a value is kept anyway.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum

from agent.runtime.documents.common import BrokenDocument, Budget, check_size

_GAP = re.compile(r"(?:[ \t\r\n\f\v\xa0\ufeff]+|//[^\r\n]*|/\*.*?\*/)*", re.DOTALL)
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_SINGLE = re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL)
_WORD = re.compile(r"[^\s,:{}\[\]\"'/]+")
_BARE_NAME = re.compile(r"[\w$][\w$.-]*")
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_LOOSE_NUMBER = re.compile(
    r"[+-]?(?:0[xX][0-9a-fA-F]+|[0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?)"
)
_NO_NUMBERS = {"NaN", "Infinity", "-Infinity"}
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class Kind(StrEnum):
    """What a value is."""

    OBJECT = "object"
    ARRAY = "array"
    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    NULL = "null"


@dataclass(slots=True)
class Node:
    """A value at `[start, end)`; `children` are those of a container, by name or index."""

    kind: Kind
    start: int
    end: int
    children: list[tuple[str, "Node"]] = field(default_factory=list)


def read_json(text: str) -> Node | None:
    """Return the document's value, None for an empty text; raise BrokenDocument."""
    check_size(text)
    if not text:
        return None
    reader = _Reader(text)
    node = reader.value(reader.skip(0), 0)
    end = reader.skip(node.end)
    if end < len(text):
        raise BrokenDocument("there is more text after the value", text, end)
    return node


def unescape(raw: str) -> str:
    """Return the text that the inside of a string literal stands for."""
    if "\\" not in raw:
        return raw
    joined = _ESCAPE.sub(_unescaped, raw)
    # Two halves of a character, each escaped, are one character.
    return joined.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _unescaped(match: re.Match[str]) -> str:
    code = match[1]
    return chr(int(code[1:], 16)) if len(code) > 1 else _ESCAPES.get(code, code)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.budget = Budget()

    def skip(self, place: int) -> int:
        match = _GAP.match(self.text, place)
        end = match.end() if match else place
        if self.text.startswith("/*", end):
            raise BrokenDocument("a comment is not closed", self.text, end)
        return end

    def value(self, place: int, depth: int) -> Node:
        self.budget.take(depth)
        first = self.text[place : place + 1]
        if first == "{":
            return self.members(place, depth)
        if first == "[":
            return self.items(place, depth)
        if first in {'"', "'"}:
            return Node(Kind.STRING, place, self.string_end(place))
        return self.word(place)

    def string_end(self, place: int) -> int:
        pattern = _DOUBLE if self.text[place] == '"' else _SINGLE
        match = pattern.match(self.text, place)
        if match is None:
            raise BrokenDocument("a string is not closed", self.text, place)
        return match.end()

    def word(self, place: int) -> Node:
        match = _WORD.match(self.text, place)
        word = match[0] if match else ""
        if word in {"true", "false"}:
            kind = Kind.BOOLEAN
        elif word in {"null", "undefined"}:
            kind = Kind.NULL
        elif _LOOSE_NUMBER.fullmatch(word) or word in _NO_NUMBERS:
            kind = Kind.NUMBER
        else:
            # What stands there is not repeated: it may be a part of a secret.
            what = "this is no value" if word else "a value is missing"
            raise BrokenDocument(what, self.text, place)
        return Node(kind, place, place + len(word))

    def members(self, place: int, depth: int) -> Node:
        node = Node(Kind.OBJECT, place, place)
        here = self.skip(place + 1)
        while not self.text.startswith("}", here):
            name, here = self.name(here)
            here = self.skip(here)
            if not self.text.startswith(":", here):
                raise BrokenDocument("a property has no colon", self.text, here)
            value = self.value(self.skip(here + 1), depth + 1)
            node.children.append((name, value))
            here = self.separator(value.end, "}")
        node.end = here + 1
        return node

    def items(self, place: int, depth: int) -> Node:
        node = Node(Kind.ARRAY, place, place)
        here = self.skip(place + 1)
        while not self.text.startswith("]", here):
            value = self.value(here, depth + 1)
            node.children.append((str(len(node.children)), value))
            here = self.separator(value.end, "]")
        node.end = here + 1
        return node

    def name(self, place: int) -> tuple[str, int]:
        if self.text[place : place + 1] in {'"', "'"}:
            end = self.string_end(place)
            return unescape(self.text[place + 1 : end - 1]), end
        match = _BARE_NAME.match(self.text, place)
        if match is None:
            what = "a property name is missing" if place < len(self.text) else "it ends too early"
            raise BrokenDocument(what, self.text, place)
        return match[0], match.end()

    def separator(self, place: int, closing: str) -> int:
        here = self.skip(place)
        if self.text.startswith(",", here):
            return self.skip(here + 1)
        if not self.text.startswith(closing, here):
            raise BrokenDocument(f"a comma or {closing} is missing", self.text, here)
        return here

"""Put variables into JSON documents."""

import re
from collections.abc import Iterator, Mapping

from agent.runtime.documents.common import (
    BrokenDocument,
    Edit,
    Outcome,
    apply_edits,
    indent_unit,
    is_reserved,
    newline_of,
)
from agent.runtime.documents.json_reader import NUMBER, Kind, Node, read_json, unescape

_INTEGER = re.compile(r"\s*[+-]?[0-9]+\s*")
_DOUBLE = re.compile(r"\s*[+-]?(?:[0-9][0-9,]*\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\s*")
_INT64 = range(-(1 << 63), 1 << 63)
_ESCAPES = {"\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_SPECIAL = re.compile(r"[\\\"'\x00-\x1f\u2028\u2029\ud800-\udfff]")


def replace_in_json(text: str, values: Mapping[str, str]) -> Outcome:
    """Set the values whose path, names joined by `:`, is a variable's name in any case.

    The kind of the old value decides how the new one is written. Nothing is added. Raise
    BrokenDocument for a text that is no JSON.
    """
    outcome = Outcome(text)
    root = read_json(text)
    if root is None:
        return outcome
    places = dict(_places(root, ""))
    writer = _Writer(text)
    edits: list[Edit] = []
    for name in values:
        node = None if is_reserved(name) else places.get(name.lower())
        if node is None:
            continue
        try:
            edits.append(Edit(node.start, node.end, writer.render(node, values[name])))
            outcome.replaced.append(name)
        except BrokenDocument as error:
            outcome.warnings.append(
                f"The value of {name} was not put in, as it must be JSON here: {error}."
            )
    outcome.text = apply_edits(text, edits)
    return outcome


def quote(text: str, mark: str = '"') -> str:
    """Return the text as a string literal."""
    return f"{mark}{_SPECIAL.sub(lambda match: _escaped(match[0], mark), text)}{mark}"


def _escaped(char: str, mark: str) -> str:
    if char in {'"', "'"}:
        return f"\\{char}" if char == mark else char
    return _ESCAPES.get(char) or f"\\u{ord(char):04x}"


def _places(node: Node, prefix: str) -> Iterator[tuple[str, Node]]:
    """Yield each value below with its path; where two have one path the later one counts."""
    for name, child in node.children:
        path = f"{prefix}:{name}" if prefix else name
        yield path.lower(), child
        yield from _places(child, path)


class _Writer:
    def __init__(self, text: str) -> None:
        self.text = text
        self.newline = newline_of(text)
        lines = text.splitlines()
        self.tabs = any(line.startswith("\t") for line in lines)
        self.unit = indent_unit([len(line) - len(line.lstrip(" ")) for line in lines if line])

    def render(self, old: Node, value: str) -> str:
        """Return the JSON that takes the place of the old value; raise BrokenDocument."""
        if old.kind in {Kind.OBJECT, Kind.ARRAY}:
            return self._structure(old, value)
        if old.kind is Kind.NUMBER and (number := _number(value)):
            return number
        if old.kind is Kind.BOOLEAN and value.strip().lower() in {"true", "false"}:
            return value.strip().lower()
        mark = self.text[old.start] if old.kind is Kind.STRING else '"'
        return quote(value, mark)

    def _structure(self, old: Node, value: str) -> str:
        node = read_json(value)
        if node is None:
            raise BrokenDocument("it is empty")
        before = self.text[old.start : old.end]
        # An empty container tells nothing of its style; the document around it does.
        spreads = "\n" in before or "\n" in value.strip()
        spreads = spreads or (not old.children and "\n" in self.text)
        line = self.text[self.text.rfind("\n", 0, old.start) + 1 : old.start]
        margin = line[: len(line) - len(line.lstrip(" \t"))]
        return self._rendered(node, value, margin if spreads else None)

    def _rendered(self, node: Node, source: str, margin: str | None) -> str:
        if node.kind is Kind.STRING:
            return quote(unescape(source[node.start + 1 : node.end - 1]))
        if node.kind not in {Kind.OBJECT, Kind.ARRAY}:
            return _plain(node, source[node.start : node.end])
        opening, closing = "{}" if node.kind is Kind.OBJECT else "[]"
        if not node.children:
            return opening + closing
        step = "\t" if self.tabs else " " * self.unit
        inner = None if margin is None else margin + step
        named = node.kind is Kind.OBJECT
        parts = [
            (f"{quote(name)}: " if named else "") + self._rendered(child, source, inner)
            for name, child in node.children
        ]
        if margin is None:
            return f"{opening}{', '.join(parts)}{closing}"
        joined = f",{self.newline}{inner}".join(parts)
        return f"{opening}{self.newline}{inner}{joined}{self.newline}{margin}{closing}"


def _plain(node: Node, source: str) -> str:
    if node.kind is Kind.NULL:
        return "null"
    if node.kind is Kind.NUMBER and not NUMBER.fullmatch(source):
        return _number(source) or quote(source)
    return source


def _number(value: str) -> str:
    """Return the value as a number, spelled as it is where JSON allows that, or ""."""
    trimmed = value.strip()
    if NUMBER.fullmatch(trimmed):
        return trimmed
    if _INTEGER.fullmatch(value) and int(value) in _INT64:
        return str(int(value))
    if _DOUBLE.fullmatch(value):
        number = float(trimmed.replace(",", ""))
        return "" if number in {float("inf"), float("-inf")} else repr(number)
    return ""

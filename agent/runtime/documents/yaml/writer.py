"""Write a new value where a node of YAML stands."""

import re

from agent.runtime.documents.common import (
    BrokenDocument,
    Edit,
    indent_unit,
    newline_of,
)
from agent.runtime.documents.yaml.nodes import Node, Style
from agent.runtime.documents.yaml.reader import read_yaml
from agent.runtime.documents.yaml.scalars import (
    BREAK,
    MARKER,
    may_start_plain,
    plain_line_end,
)
from agent.runtime.documents.yaml.scanning import LineStarts

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")
# Line ends of older versions of YAML among them: they are never left bare.
_ESCAPED = re.compile(r"[\x00-\x1f\"\\\x7f-\xa0\ud800-\udfff\u2028\u2029\ufeff\ufffe\uffff]")
_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\", "\0": "\\0"}
_ODD_BREAKS = ("\x85", "\u2028", "\u2029")
_MOST_INDENT = 9
_BYTE = 0xFF


class Unfit(Exception):
    """The value cannot stand there."""


class Writer:
    """Knows the newline and the indent of the text that it writes into."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.newline = newline_of(text)
        self._lines = LineStarts(text)
        lines = [line for line in text.splitlines() if line.strip()]
        self.unit = indent_unit([len(line) - len(line.lstrip(" ")) for line in lines])

    def edit(self, node: Node, value: str) -> Edit:
        """Return what has to be changed; raise Unfit."""
        if node.is_collection:
            return self._collection(node, value)
        written = self._scalar(node, value)
        lead = node.lead if node.style is Style.MISSING else ""
        return Edit(node.start, node.end, lead + written)

    # Scalars

    def _scalar(self, node: Node, value: str) -> str:
        at_margin = node.indent < 0
        if node.is_block_scalar:
            return self._block_scalar(node, value)
        if node.style is Style.DOUBLE:
            return double_quoted(value)
        if "\n" in value or _UNPRINTABLE.search(value) or any(c in value for c in _ODD_BREAKS):
            return double_quoted(value)
        if node.style is not Style.SINGLE and is_plain(
            value, in_flow=node.in_flow, at_margin=at_margin
        ):
            return value
        return "'" + value.replace("'", "''") + "'"

    def _block_scalar(self, node: Node, value: str) -> str:
        body = value.removesuffix("\n")
        lines = body.split("\n")
        column = node.content_indent or max(node.indent, 0) + self.unit
        step = column - max(node.indent, 0)
        bare = not body.strip(" \t\n") or body.endswith("\n") or body[-1:] in {" ", "\t"}
        odd = _UNPRINTABLE.search(value) or any(char in value for char in _ODD_BREAKS)
        if bare or odd or step > _MOST_INDENT:
            return double_quoted(value)
        style, separator = node.style.value, self.newline
        if node.style is Style.FOLDED and len(lines) > 1:
            # An empty line stands for a line break, unless the lines around it are indented.
            if any(line == "" or line[0] in " \t" for line in lines):
                style = Style.LITERAL.value
            else:
                separator = self.newline * 2
        digit = str(step) if lines[0][:1] in {" ", "\t", ""} else ""
        chomp = "" if value.endswith("\n") else "-"
        margin = " " * column
        content = separator.join(f"{margin}{line}" if line else "" for line in lines)
        last = self.newline if not chomp and node.end == len(self.text) else ""
        return f"{style}{digit}{chomp}{node.text or ''}{self.newline}{content}{last}"

    # Collections

    def _collection(self, node: Node, value: str) -> Edit:
        source, root = self._fragment(value)
        if root is None:
            return self._inline(node, double_quoted(value))
        if root.style is Style.BLOCK or root.is_block_scalar:
            if node.in_flow:
                raise Unfit("inside of braces it must be written in braces too")
            return self._block(node, source, root)
        text = source[root.outer : root.end]
        if root.style is Style.PLAIN and not root.has_properties:
            margin = node.indent < 0
            if BREAK.search(text) or not is_plain(text, in_flow=node.in_flow, at_margin=margin):
                text = double_quoted(" ".join(text.split()))
        return self._inline(node, self._reindented(text, max(node.indent, 0) + self.unit))

    def _fragment(self, value: str) -> tuple[str, Node | None]:
        """Return the variable's YAML and its root, None for one that is empty."""
        try:
            documents = read_yaml(value)
        except BrokenDocument as error:
            raise Unfit(f"it is no YAML: {error}") from error
        if len(documents) > 1 or value.startswith(("%", "---")):
            raise Unfit("it must be one value without directives and marks of documents")
        if not documents or (documents[0].style is Style.MISSING):
            return value, None
        return value, documents[0]

    def _inline(self, node: Node, text: str) -> Edit:
        """Put in what fits into a line, behind the key if nothing but space stands between."""
        between = self.text[node.after : node.start]
        if BREAK.search(between) and not between.strip():
            return Edit(node.after, node.end, f" {text}")
        column = node.start - self._line_start(node.start)
        if BREAK.search(between) and column <= node.indent:
            text = " " * (node.indent + self.unit - column) + text
        return Edit(node.start, node.end, text)

    def _block(self, node: Node, source: str, root: Node) -> Edit:
        """Put in lines, each indented as the first one."""
        self._check_rest(node, root)
        fragment = source[LineStarts(source).before(root.outer) : root.end]
        fragment = _dedented(fragment)
        if source.endswith(("\n", "\r")) and root.last.is_block_scalar:
            fragment += self.newline if node.end == len(self.text) else ""
        between = self.text[node.after : node.start]
        column = node.start - self._line_start(node.start)
        is_own_line = BREAK.search(between) is not None
        # A scalar over lines and what has an anchor begin behind the key.
        if root.is_block_scalar or root.has_properties:
            margin = max(node.indent, 0) + (self.unit if not root.is_block_scalar else 0)
            if between.strip():
                raise Unfit("a comment stands where its first line has to be")
            return Edit(node.after, node.end, f" {self._reindented(fragment, margin)}")
        if is_own_line or (node.in_sequence and not node.has_properties):
            wanted = column
            if is_own_line and column <= node.indent and not root.is_sequence:
                wanted = node.indent + self.unit
            text = " " * (wanted - column) + self._reindented(fragment, wanted)
            return Edit(node.start, node.end, text)
        margin = max(node.indent, 0) + self.unit
        if node.indent < 0:
            margin = 0
        text = f"{self.newline}{' ' * margin}{self._reindented(fragment, margin)}"
        return Edit(node.after, node.end, text)

    def _check_rest(self, node: Node, root: Node) -> None:
        line_break = BREAK.search(self.text, node.end)
        rest = self.text[node.end : line_break.start() if line_break else len(self.text)]
        if rest.strip() and root.last.is_block_scalar:
            raise Unfit("its last text would take in the comment behind it")

    def _line_start(self, place: int) -> int:
        return self._lines.before(place)

    def _reindented(self, text: str, margin: int) -> str:
        lines = [line.rstrip("\r") for line in text.split("\n")]
        return self.newline.join(
            line if number == 0 or not line else " " * margin + line
            for number, line in enumerate(lines)
        )


def is_plain(value: str, *, in_flow: bool, at_margin: bool) -> bool:
    """Tell whether a text without line breaks may stand without quotes."""
    if value != value.strip() or not may_start_plain(value, 0, in_flow=in_flow):
        return False
    # Other readers understand fewer of these.
    if "\t" in value or (in_flow and value[0] in "-?:"):
        return False
    if at_margin and MARKER.match(value):
        return False
    ends_key = value.endswith(":")
    return not ends_key and plain_line_end(value, 0, in_flow=in_flow) == len(value)


def double_quoted(value: str) -> str:
    """Return the text in double quotes; every character can be written so."""
    return f'"{_ESCAPED.sub(_escape, value)}"'


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    if char in _ESCAPES:
        return _ESCAPES[char]
    code = ord(char)
    return f"\\x{code:02x}" if code <= _BYTE else f"\\u{code:04x}"


def _dedented(text: str) -> str:
    """Take the indent of the first line from all lines."""
    width = len(text) - len(text.lstrip(" "))
    if not width:
        return text
    return "\n".join(
        line[width:] if line[:width].isspace() or not line.strip() else line
        for line in text.split("\n")
    )

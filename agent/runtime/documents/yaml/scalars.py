"""Scan the scalars of YAML: where they end and, for keys, what they mean."""

import re

from agent.runtime.documents.common import BrokenDocument
from agent.runtime.documents.yaml.nodes import Style

BLANKS = " \t\r\n"
BREAK = re.compile(r"\r\n|[\r\n]")
_HEADER = re.compile(
    r"[|>](?:([+-])?([1-9])?|([1-9])([+-]))((?:[ \t]+#[^\r\n]*|[ \t]*))(?=[\r\n]|\Z)"
)
_SINGLE = re.compile(r"'(?:[^']|'')*'")
_DOUBLE = re.compile(r'"(?:[^"\\]|\\[\s\S])*"')
# What a plain scalar may go on with, outside of and inside flow collections.
_PLAIN = re.compile(
    r"(?:[^ \t\r\n:#]|:(?=[^ \t\r\n])|(?<=[^ \t\r\n])#|[ \t]+(?=[^ \t\r\n#:]|:[^ \t\r\n]))+"
)
_PLAIN_IN_FLOW = re.compile(
    r"(?:[^ \t\r\n:#,\[\]{}]|:(?=[^ \t\r\n,\[\]{}])|(?<=[^ \t\r\n])#"
    r"|[ \t]+(?=[^ \t\r\n#:,\[\]{}]|:[^ \t\r\n,\[\]{}]))+"
)
_NOT_FIRST = set("-?:,[]{}#&*!|>'\"%@`")
_FLOW_MARKS = set(",[]{}")
MARKER = re.compile(r"(?:---|\.\.\.)(?=[ \t\r\n]|\Z)")
_ESCAPE = re.compile(
    r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|(?:\r\n|[\r\n])[ \t]*|[\s\S])"
)
_FOLD = re.compile(r"[ \t]*(\r\n|[\r\n])(?:[ \t]*(?:\r\n|[\r\n]))*[ \t]*")
_ESCAPES = {
    "0": "\0",
    "a": "\a",
    "b": "\b",
    "t": "\t",
    "\t": "\t",
    "n": "\n",
    "v": "\v",
    "f": "\f",
    "r": "\r",
    "e": "\x1b",
    "N": "\x85",
    "_": "\xa0",
    "L": "\u2028",
    "P": "\u2029",
}
_LAST_CODE = 0x10FFFF


def may_start_plain(text: str, place: int, *, in_flow: bool) -> bool:
    """Tell whether a plain scalar may begin here."""
    first, second = text[place : place + 1], text[place + 1 : place + 2]
    if not first or first in BLANKS:
        return False
    if first in "-?:":
        return bool(second) and second not in BLANKS and not (in_flow and second in _FLOW_MARKS)
    return first not in _NOT_FIRST


def plain_line_end(text: str, place: int, *, in_flow: bool) -> int:
    """Return where the part of a plain scalar on this line ends."""
    match = (_PLAIN_IN_FLOW if in_flow else _PLAIN).match(text, place)
    return match.end() if match else place


def quoted_end(text: str, place: int) -> int:
    """Return where the quoted scalar at `place` ends."""
    pattern = _SINGLE if text[place] == "'" else _DOUBLE
    match = pattern.match(text, place)
    if match is None:
        raise BrokenDocument("a quote is not closed", text, place)
    inner = text.find("\n---", place, match.end()), text.find("\n...", place, match.end())
    for at in inner:
        if at >= 0 and MARKER.match(text, at + 1):
            raise BrokenDocument("a quote is not closed in its document", text, place)
    return match.end()


def block_scalar(text: str, place: int, indent: int) -> tuple[int, int, str]:
    """Return end and column of the content of a block scalar, and what stands behind its header.

    The end leaves out the last line break, and empty lines behind the content.
    """
    header = _HEADER.match(text, place)
    if header is None:
        raise BrokenDocument("the head of this block scalar is not understood", text, place)
    digit = header[2] or header[3]
    least = max(indent + 1, 1)
    column = least + int(digit) - 1 if digit else 0
    deepest = 0
    here = end = header.end()
    while (line_break := BREAK.match(text, here)) is not None:
        start = line_break.end()
        blanks = start
        while text.startswith(" ", blanks):
            blanks += 1
        width = blanks - start
        next_break = BREAK.search(text, start)
        line_end = next_break.start() if next_break else len(text)
        is_blank = blanks == line_end
        if not column and not is_blank:
            column = max(least, width)
            if deepest > column:
                raise BrokenDocument("an empty line is indented deeper than the text", text, start)
        if column and width < column and not is_blank:
            break
        if not is_blank or (column and width > column):
            end = line_end
        deepest = max(deepest, width)
        here = line_end
    return end, column if end > header.end() else 0, header[5]


def meaning(raw: str, style: Style) -> str:
    """Return the text that a plain or quoted scalar stands for."""
    if style is Style.SINGLE:
        return _folded(raw[1:-1]).replace("''", "'")
    if style is Style.DOUBLE:
        return _unescaped(raw[1:-1])
    return _folded(raw)


def _folded(raw: str) -> str:
    return _FOLD.sub(_fold, raw) if "\n" in raw or "\r" in raw else raw


def _fold(match: re.Match[str]) -> str:
    count = len(BREAK.findall(match[0]))
    return " " if count == 1 else "\n" * (count - 1)


def _unescaped(raw: str) -> str:
    parts: list[str] = []
    done = 0
    for match in _ESCAPE.finditer(raw):
        parts += (_folded(raw[done : match.start()]), _character(match[1]))
        done = match.end()
    parts.append(_folded(raw[done:]))
    return "".join(parts)


def _character(code: str) -> str:
    if code[0] in "\r\n":
        return ""
    if len(code) > 1:
        number = int(code[1:], 16)
        return chr(number) if number <= _LAST_CODE else "\ufffd"
    return _ESCAPES.get(code, code)

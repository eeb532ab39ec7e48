"""Tables of Markdown whose columns are parted by pipes: whole paragraphs, each line of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from markdown_it.rules_block import StateBlock

# Code, tags and links keep the pipes in them.
_PIECE: Final = re.compile(
    r"(?P<pipe>\|)|\\.|(?P<run>`+)(?!`).*?(?<!`)(?P=run)(?!`)|`+|<[A-Za-z/!?][^<>]*>"
    r"|\[[^\[\]]*\]\([^()]*\)|[^|\\`<\[]+|.",
    re.DOTALL,
)
_RULE: Final = re.compile(r"(:?)-+(:?)")
_LEAST_LINES: Final = 2
_INDENTED: Final = 4
_ALIGNMENTS: Final = {
    (True, True): "center",
    (True, False): "left",
    (False, True): "right",
    (False, False): "",
}


def read_table(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - as it is called
    """Read a table, which is a paragraph whose second line parts its header from the rest."""
    if silent or start + 1 >= end or state.sCount[start] - state.blkIndent >= _INDENTED:
        return False
    alignments = _alignments(_line(state, start + 1))
    header = _cells(_line(state, start))
    if alignments is None or header is None or len(header) != len(alignments):
        return False
    rows: list[list[str]] = []
    following = start + _LEAST_LINES
    while following < end and not _ends(state, following, end):
        cells = _cells(_line(state, following))
        if cells is None:
            return False
        rows.append([*cells, *[""] * len(header)][: len(header)])
        following += 1
    _write(state, header, rows, alignments)
    state.line = following
    return True


def _line(state: StateBlock, number: int) -> str:
    if state.isEmpty(number) or state.sCount[number] < state.blkIndent:
        return ""
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]].strip()


def _ends(state: StateBlock, number: int, end: int) -> bool:
    """Tell whether the paragraph ends before this line."""
    if state.isEmpty(number) or state.sCount[number] < state.blkIndent:
        return True
    rules = state.md.block.ruler.getRules("paragraph")
    return any(rule(state, number, end, True) for rule in rules)


def _cells(line: str) -> list[str] | None:
    """Part a line at its pipes; None when it has none. Those at its ends may be left out."""
    cells, found = [""], False
    for piece in _PIECE.finditer(line):
        if piece.group("pipe"):
            cells.append("")
            found = True
        else:
            cells[-1] += piece.group()
    if not found:
        return None
    stripped = [cell.strip() for cell in cells]
    stripped = stripped[1:] if not stripped[0] else stripped
    return stripped[:-1] if len(stripped) > 1 and not stripped[-1] else stripped


def _alignments(line: str) -> list[str] | None:
    cells = _cells(line)
    rules = [_RULE.fullmatch(cell) for cell in cells or ()]
    if not rules or not all(rules):
        return None
    return [_ALIGNMENTS[bool(rule.group(1)), bool(rule.group(2))] for rule in rules if rule]


def _write(
    state: StateBlock, header: list[str], rows: list[list[str]], alignments: list[str]
) -> None:
    state.push("table_open", "table", 1)
    state.push("thead_open", "thead", 1)
    _write_row(state, "th", header, alignments)
    state.push("thead_close", "thead", -1)
    if rows:
        state.push("tbody_open", "tbody", 1)
        for row in rows:
            _write_row(state, "td", row, alignments)
        state.push("tbody_close", "tbody", -1)
    state.push("table_close", "table", -1)


def _write_row(state: StateBlock, tag: str, cells: list[str], alignments: list[str]) -> None:
    state.push("tr_open", "tr", 1)
    for cell, alignment in zip(cells, alignments, strict=True):
        opening = state.push(f"{tag}_open", tag, 1)
        if alignment:
            opening.attrs = {"style": f"text-align:{alignment}"}
        inline = state.push("inline", "", 0)
        inline.content, inline.children = cell, []
        state.push(f"{tag}_close", tag, -1)
    state.push("tr_close", "tr", -1)

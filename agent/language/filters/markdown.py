"""The Markdown filter: CommonMark with tables, more kinds of emphasis, and addresses as links.

It needs markdown-it-py, which servers have. Without it the rest of the language works, and this
filter says what is missing.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from agent.language.characters import SPACES
from agent.language.environment import Call, Filter
from agent.language.filters.markdown_links import link_addresses
from agent.language.filters.markdown_tables import read_table
from agent.language.limits import FilterError, LimitExceeded

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

# The parser takes up to a tenth of a millisecond for a character of a text made to slow it down.
_LONGEST: Final = 20_000
_EMPHASES: Final = {"~~": "del", "~": "sub", "^": "sup", "++": "ins", "==": "mark"}
_RUN: Final = re.compile(r"~+|\^+|\++|=+")


def _markdown(call: Call) -> str:
    text = call.text.strip(SPACES)
    if len(text) > _LONGEST:
        raise LimitExceeded(f"Markdown: the text has more than {_LONGEST} characters.")
    html: str = _parser().render(text) if text else ""
    # A block of HTML at the end has no line end of its own.
    return html + ("\n" if html.endswith("\n") or not html else "\n\n")


@cache
def _parser() -> MarkdownIt:
    try:
        from markdown_it import MarkdownIt  # noqa: PLC0415 - servers have it, agents need not
    except ImportError as error:
        raise FilterError("Markdown: the package markdown-it-py is not installed here.") from error
    parser = MarkdownIt("commonmark")
    # Before all others: the line below a header may look like the beginning of a list.
    parser.block.ruler.before("code", "pipe_table", read_table)
    parser.inline.ruler.before("emphasis", "emphases", _emphasis)
    parser.core.ruler.after("inline", "addresses", link_addresses)
    parser.add_render_rule("list_item_open", _item)
    parser.add_render_rule("th_open", _cell)
    parser.add_render_rule("td_open", _cell)
    return parser


def _emphasis(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - as it is called
    """Read text between two equal runs of a sign that touch it."""
    opening = _RUN.match(state.src, state.pos, state.posMax)
    tag = _EMPHASES.get(opening.group()) if opening else None
    if opening is None or tag is None or silent:
        return False
    end = _end_of(state, opening)
    if end is None:
        return False
    after, limit = end + len(opening.group()), state.posMax
    state.push(f"{tag}_open", tag, 1)
    state.pos, state.posMax = opening.end(), end
    state.md.inline.tokenize(state)
    state.push(f"{tag}_close", tag, -1)
    state.pos, state.posMax = after, limit
    return True


def _end_of(state: StateInline, opening: re.Match[str]) -> int | None:
    if state.src[opening.end() : opening.end() + 1].strip(SPACES) == "":
        return None
    for run in _RUN.finditer(state.src, opening.end(), state.posMax):
        before = state.src[run.start() - 1]
        if run.group() == opening.group() and before not in SPACES and run.start() > opening.end():
            return run.start()
    return None


def _item(renderer: Any, tokens: list[Token], index: int, options: Any, _: Any) -> str:
    """Begin text on the line of its list item."""
    shown: str = renderer.renderToken(tokens, index, options, _)
    following = tokens[index + 1].type if index + 1 < len(tokens) else ""
    return shown.rstrip("\n") if following in ("paragraph_open", "heading_open") else shown


def _cell(renderer: Any, tokens: list[Token], index: int, options: Any, _: Any) -> str:
    style = tokens[index].attrGet("style")
    if isinstance(style, str):
        tokens[index].attrSet("style", style.replace(":", ": ") + ";")
    shown: str = renderer.renderToken(tokens, index, options, _)
    return shown


FILTERS = {"markdown": Filter(_markdown), "markdowntohtml": Filter(_markdown)}

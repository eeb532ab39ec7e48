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
from agent.language.limits import FilterError, LimitExceeded

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_core import StateCore
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

# The parser takes up to a tenth of a millisecond for a character of a text made to slow it down.
_LONGEST: Final = 20_000
_EMPHASES: Final = {"~~": "del", "~": "sub", "^": "sup", "++": "ins", "==": "mark"}
_RUN: Final = re.compile(r"~+|\^+|\++|=+")
_ADDRESS: Final = re.compile(
    r"(?<![^\s*_~(])(?:https?://|ftp://|mailto:|www\.)[^\s<]+", re.IGNORECASE
)
_ENDS: Final = "?!.,:*_~"
_MAIL, _WWW = "mailto:", "www."


def _markdown(call: Call) -> str:
    text = call.text.strip(SPACES)
    if len(text) > _LONGEST:
        raise LimitExceeded(f"Markdown: the text has more than {_LONGEST} characters.")
    html: str = _parser().render(text) if text else ""
    return html + "\n"


@cache
def _parser() -> MarkdownIt:
    try:
        from markdown_it import MarkdownIt  # noqa: PLC0415 - servers have it, agents need not
    except ImportError as error:
        raise FilterError("Markdown: the package markdown-it-py is not installed here.") from error
    parser = MarkdownIt("commonmark").enable("table")
    parser.inline.ruler.before("emphasis", "emphases", _emphasis)
    parser.core.ruler.after("inline", "addresses", _addresses)
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


def _addresses(state: StateCore) -> None:
    for token in state.tokens:
        if token.type == "inline" and token.children:
            token.children = _with_links(token.children)


def _with_links(tokens: list[Token]) -> list[Token]:
    found: list[Token] = []
    depth = 0
    for token in tokens:
        depth += token.nesting if token.type in ("link_open", "link_close") else 0
        if token.type == "text" and depth == 0:
            found.extend(_split(token))
        else:
            found.append(token)
    return found


def _split(token: Token) -> list[Token]:
    kind: Any = type(token)
    found, at = [], 0
    for match in _ADDRESS.finditer(token.content):
        address = _trimmed(match.group())
        if not _is_whole(address):
            continue
        found.append(kind("text", "", 0, content=token.content[at : match.start()]))
        target = f"http://{address}" if address.lower().startswith(_WWW) else address
        shown = address[len(_MAIL) :] if address.lower().startswith(_MAIL) else address
        found.append(kind("link_open", "a", 1, attrs={"href": target}))
        found.append(kind("text", "", 0, content=shown))
        found.append(kind("link_close", "a", -1))
        at = match.start() + len(address)
    return [*found, kind("text", "", 0, content=token.content[at:])]


def _trimmed(address: str) -> str:
    """Leave out what ends a sentence or closes a bracket that was opened before."""
    while True:
        shorter = address.rstrip(_ENDS)
        if shorter.endswith(")") and shorter.count(")") > shorter.count("("):
            shorter = shorter[:-1]
        if shorter == address:
            return address
        address = shorter


def _is_whole(address: str) -> bool:
    """Whether a host, or a mail address, with a dot stands after the beginning."""
    if address.lower().startswith(_MAIL):
        name, _, host = address[len(_MAIL) :].partition("@")
        return bool(name) and "." in host.strip(".")
    host = re.split(r"[/?#]", address.partition("://")[2] or address)[0]
    return "." in host.strip(".")


def _cell(renderer: Any, tokens: list[Token], index: int, options: Any, _: Any) -> str:
    style = tokens[index].attrGet("style")
    if isinstance(style, str):
        tokens[index].attrSet("style", style.replace(":", ": ") + ";")
    shown: str = renderer.renderToken(tokens, index, options, _)
    return shown


FILTERS = {"markdown": Filter(_markdown), "markdowntohtml": Filter(_markdown)}

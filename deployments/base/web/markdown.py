"""Markdown that people write, as safe HTML."""

from functools import cache
from typing import Final

import nh3
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

_TAGS: Final = {
    *("p", "br", "hr", "blockquote", "pre", "code", "em", "strong", "del", "a"),
    *("ul", "ol", "li", "h3", "h4", "h5", "h6"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
# The parser takes up to a tenth of a millisecond for a character of a text made to slow it down.
_LONGEST: Final = 20_000
_LONGEST_EXCERPT: Final = 1_000


def markdown_html(text: str) -> SafeString:
    """Return the text as HTML: no raw HTML, images or scripts, links without a referrer.

    A very long text is shown as it was typed.
    """
    if len(text) > _LONGEST:
        return format_html("<pre>{}</pre>", text)
    html = _parser().render(text)
    clean = nh3.clean(
        html,
        tags=_TAGS,
        attributes={"a": {"href", "title"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer",
    )
    return mark_safe(clean)  # noqa: S308 cleaned above


def first_paragraph(text: str) -> str:
    """Return the words of the first paragraph, heading or item, without marks."""
    for token in _parser().parse(text[:_LONGEST_EXCERPT]):
        if token.type == "inline":
            return "".join(child.content or " " for child in token.children or () if _reads(child))
    return ""


def _reads(token: Token) -> bool:
    return bool(token.content) or token.type in {"softbreak", "hardbreak"}


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(
        ["table", "strikethrough"]
    )
    parser.add_render_rule("heading_open", _heading_open)
    parser.add_render_rule("heading_close", _heading_close)
    return parser


def _heading_open(_: object, tokens: list[object], index: int, *rest: object) -> str:
    return f"<{_level(tokens[index])}>"


def _heading_close(_: object, tokens: list[object], index: int, *rest: object) -> str:
    return f"</{_level(tokens[index])}>"


def _level(token: object) -> str:
    """Return the heading's tag two levels down: a page has one h1, and cards have h2."""
    return f"h{min(6, int(str(getattr(token, 'tag', 'h1'))[1:]) + 2)}"

"""Markdown that people write, as safe HTML."""

from functools import cache
from typing import Final

import nh3
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

_TAGS: Final = {
    *("p", "br", "hr", "blockquote", "pre", "code", "em", "strong", "del", "a"),
    *("ul", "ol", "li", "h3", "h4", "h5", "h6"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
# The parser takes up to a tenth of a millisecond for a character of a text made to slow it down.
_LONGEST: Final = 20_000


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

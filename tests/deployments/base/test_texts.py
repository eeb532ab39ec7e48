"""Markdown and terminal colors become safe HTML."""

import pytest

from deployments.base.web.ansi import ansi_html
from deployments.base.web.markdown import first_paragraph, markdown_html


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**b** `c`", "<p><strong>b</strong> <code>c</code></p>\n"),
        ("# Title", "<h3>Title</h3>"),
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n"),
        ("[a](javascript:alert(1))", "<p>[a](javascript:alert(1))</p>\n"),
        ("![i](https://example.com/x.png)", "<p></p>\n"),
        (
            "[a](https://example.com)",
            '<p><a href="https://example.com" rel="noopener noreferrer">a</a></p>\n',
        ),
    ],
)
def test_markdown_is_safe(text: str, html: str) -> None:
    assert markdown_html(text) == html


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("plain <b>", "plain &lt;b&gt;"),
        ("\x1b[32mgreen\x1b[0m end", '<span class="ansi-green">green</span> end'),
        ("\x1b[1;31mbad", '<span class="ansi-bold ansi-red">bad</span>'),
        ("\x1b[91mred\x1b[39mplain", '<span class="ansi-red">red</span>plain'),
        ("\x1b[38;5;31mpale\x1b[1;33mwarm", 'pale<span class="ansi-bold ansi-yellow">warm</span>'),
        ("a\x1b[2Kb\x1b]0;title\x07c", "abc"),
        ("\x1b[31m<i>", '<span class="ansi-red">&lt;i&gt;</span>'),
        ("bell\x07 null\x00", "bell null"),
    ],
)
def test_colors_are_classes_and_the_rest_goes(text: str, html: str) -> None:
    assert ansi_html(text) == html


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ""),
        ("Behind `Feature.NewBasket`.\n\n- one", "Behind Feature.NewBasket."),
        ("## Fixes\n\nmore", "Fixes"),
        ("- **Fixed**: [totals](https://example.com) off\n- more", "Fixed: totals off"),
        ("one\ntwo", "one two"),
        ("---\n\n```\ncode\n```\n\nafter <b>it</b>", "after <b>it</b>"),
    ],
)
def test_the_first_paragraph_loses_its_marks(text: str, words: str) -> None:
    assert first_paragraph(text) == words

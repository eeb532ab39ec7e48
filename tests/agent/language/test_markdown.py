"""The Markdown filter where its library is missing, and with texts made to slow it down."""

import sys
import time

import pytest

from agent.language import FilterError, LimitExceeded, evaluate
from agent.language.filters import markdown


def test_without_the_library_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "markdown_it", None)
    markdown._parser.cache_clear()
    with pytest.raises(FilterError, match="markdown-it-py is not installed"):
        evaluate("#{A | Markdown}", {"A": "x"})
    # Nothing else needs it, and nothing of the failure is remembered.
    assert evaluate("#{A | ToUpper}", {"A": "x"}).text == "X"
    monkeypatch.undo()
    assert evaluate("#{A | Markdown}", {"A": "x"}).text == "<p>x</p>\n\n"


def test_a_text_is_not_endless() -> None:
    with pytest.raises(LimitExceeded, match="20000 characters"):
        evaluate("#{A | Markdown}", {"A": "x" * 20_001})


@pytest.mark.parametrize(
    "text",
    [
        *("[" * 20_000, "*a " * 6_000, "~a" * 10_000, "~" * 20_000, "a~" * 10_000),
        *("http://a.b/" * 1_800, "http://" + "(" * 19_000 + ")" * 900, "mailto:" * 2_800),
        *("|" * 20_000, "++a" * 6_000),
    ],
    ids=lambda text: text[:8],
)
def test_hostile_texts_end(text: str) -> None:
    began = time.process_time()
    evaluate("#{A | Markdown}", {"A": text})
    assert time.process_time() - began < 5

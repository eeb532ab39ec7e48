"""Patterns against `re` where both speak alike, the rest against tables, and hostile input."""

import contextlib
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.patterns import InvalidPattern, PatternTooExpensive, compile_pattern

PIECES = [
    *("a", "b", ".", "*", "+", "?", "*?", "|", "(", ")", "[ab]", "[^a]", "(?:", "^", "$"),
    *("{1,2}", "{2}", r"\b", r"\B", r"\d", r"\s", r"\w", "(?=", "(?!", "(?<=a)", "(?<!b)", "(?i:"),
]


@settings(max_examples=1500)
@given(
    pattern=st.lists(st.sampled_from(PIECES), max_size=7).map("".join),
    text=st.text(alphabet="abA 1\n", min_size=1, max_size=7),
)
def test_agrees_with_re(pattern: str, text: str) -> None:
    try:
        standard = re.compile(pattern)
        ours = compile_pattern(pattern)
    except (re.error, InvalidPattern):
        return
    expected = standard.search(text)
    found = ours.search(text)
    assert (found and (found.start, found.end)) == (expected and expected.span())


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        (r"[a-z-[aeiou]]+", "aeibcd", "bcd"),
        (r"[]a]+", "x]a", "]a"),
        (r"[^]a]+", "]ax", "x"),
        (r"[a-]+", "b-a", "-a"),
        (r"\p{Lu}+", "abÀB", "ÀB"),
        (r"\P{L}+", "ab12", "12"),
        (r"(?<=a.*)c", "abbc", "c"),
        (r"(?<!x)y", "xyzy", "y"),
        (r"(?>a*)ab|b", "aab", "b"),
        (r"(?x) a  b # comment", "ab", "ab"),
        (r"(?i)é", "É", "É"),
        (r"a(?i)b(?-i)c", "aBc", "aBc"),
        (r"(?s).+", "a\nb", "a\nb"),
        (r"(?m)^b$", "a\nb\nc", "b"),
        (r"\x41\u0042\t", "AB\t", "AB\t"),
        (r"(?#note)a", "a", "a"),
        (r"a{,2}", "a{,2}", "a{,2}"),
        (r"\Aa\z", "a", "a"),
        (r"(\w)\1", "abccd", "cc"),
        (r"(?<q>['\"]).*?\k<q>", "a 'b\"c' d", "'b\"c'"),
        (r"(?i)(a)\1", "xaA", "aA"),
        (r"(?<=\1(.))x", "abxbbx", "x"),
        (r"(<)?\w+(?(1)>|!)", "a <b> c!", "<b>"),
        (r"(?<o><)?\w+(?(o)>)", "ab <c> d", "ab"),
        (r"(?(?=a)ab|\d\d)", "a 12", "12"),
        (r"\((?>[^()]+|(?<d>\()|(?<-d>\)))*(?(d)(?!))\)", "x(a(b)c)d)", "(a(b)c)"),
        (r"\p{IsCyrillic}+", "ab жук", "жук"),
        (r"\101\x42", "AB", "AB"),
        (r"(?i)[^a]+", "aAbA", "b"),
    ],
)
def test_dialect(pattern: str, text: str, expected: str) -> None:
    match = compile_pattern(pattern).search(text)
    assert match is not None
    assert match.group(0) == expected


@pytest.mark.parametrize(
    "pattern",
    [
        *("(", ")", "[", "[b-a]", "*", "a**", "a{2,1}", r"\q", r"\1", r"(a)\k<x>", r"\p{Zz}"),
        *("(?(1)b)", "(?)", "a{2}{3}", r"\_", r"\c1", "(?P<n>a)", r"\p{IsNowhere}"),
        *(
            "(?(a)b|c|d)",
            "(?<0>a)",
            "(?<-x>a)",
            r"\k<2>",
            "[a-" * 1300,
            "a{2000}",
            "(a{1000}){1000}",
            "(" * 100 + ")" * 100,
            "\\",
            "x" * 5000,
        ),
        "(?<a-b>x)",
    ],
    ids=lambda pattern: pattern[:12],
)
def test_refused(pattern: str) -> None:
    with pytest.raises(InvalidPattern):
        compile_pattern(pattern)


@pytest.mark.parametrize(
    ("pattern", "replacement", "text", "expected"),
    [
        ("b", "$$", "abc", "a$c"),
        ("(a)(b)", "$2$1", "ab", "ba"),
        ("(a)", "$10", "a", "$10"),
        ("a", "$1", "a", "$1"),
        ("(?<x>a)(b)", "${x}$1$2", "ab", "aba"),
        ("b", "[$&|$`|$'|$_]", "abc", "a[b|a|c|abc]c"),
        ("(a)|(b)", "<$2>", "ab", "<><b>"),
        ("(a)(b)?", "$+", "a", ""),
        ("", "-", "ab", "-a-b-"),
        ("x*", "-", "axb", "-a--b-"),
        ("(a)(b)", "$01$2x${02}", "ab", "abxb"),
        ("a", "$01", "a", "$01"),
        ("(?<3>a)(b)", "$1-$3-$2", "ab", "b-a-$2"),
        (r"(?<o>a)(?<m-o>-b)", "[${m}${o}]", "a-b", "[]"),
        (r"\Ga", "x", "aaba", "xxba"),
    ],
)
def test_replacement(pattern: str, replacement: str, text: str, expected: str) -> None:
    assert compile_pattern(pattern).replace(text, replacement) == expected


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("(a+)+$", "a" * 50_000 + "!"),
        ("(a|aa)+$", "a" * 20_000 + "!"),
        ("(.*)*x", "a" * 20_000),
        ("a" * 3900 + "b", "a" * 500_000),
        ("(?=.*b)a", "a" * 20_000),
        (r"(a*)*\1b", "a" * 20_000),
        (r"(.*)(.*)\1\2x", "a" * 20_000),
        (r"(?:(?<o>a)|(?<-o>a))*b", "a" * 20_000),
    ],
)
def test_hostile_patterns_end(pattern: str, text: str) -> None:
    started = time.process_time()
    with contextlib.suppress(PatternTooExpensive):
        assert compile_pattern(pattern).search(text) is None
    assert time.process_time() - started < 15

"""Cut an XPath expression into tokens."""

import re
from typing import NamedTuple

_NAME = r"[^\W\d][\w.\-·]*"
_TOKEN = re.compile(
    rf"""\s*(?:
    (?P<number>[0-9]+(?:\.[0-9]*)?|\.[0-9]+)
  | (?P<literal>"[^"]*"|'[^']*')
  | (?P<axis>{_NAME})\s*::
  | (?P<name>\*:{_NAME}|{_NAME}:\*|{_NAME}(?::{_NAME})?)
  | (?P<mark>//|\.\.|!=|<=|>=|[/.@\[\]()|,+\-=<>*])
    )""",
    re.VERBOSE,
)
# By precedence, the weakest first.
OPERATORS: tuple[dict[str, str], ...] = (
    {"or": "or"},
    {"and": "and"},
    {"=": "=", "!=": "!=", "eq": "=", "ne": "!="},
    {"<": "<", "<=": "<=", ">": ">", ">=": ">=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="},
    {"+": "+", "-": "-"},
    {"*": "*", "div": "div", "mod": "mod", "idiv": "idiv"},
)
_WORDS = {word for level in OPERATORS for word in level if word.isalpha()}
_SIGNS = {("mark", sign) for sign in ("+", "-", "=", "!=", "<", "<=", ">", ">=")}
# After these a `*` or a word is no operator.
_OPENERS = {"", "@", "::", "(", "[", ",", "/", "//", "|", "operator"}


class BadXPath(Exception):
    """The expression is no XPath that is understood here."""


class Token(NamedTuple):
    """A piece of the expression; operators are told from names by what stands before."""

    kind: str
    text: str


def tokens_of(text: str) -> list[Token]:
    """Return the tokens, one that says the end behind them; raise BadXPath."""
    found: list[Token] = []
    place, previous = 0, ""
    text = text.rstrip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise BadXPath(f"the character {place + 1} is not expected")
        token = Token(match.lastgroup, match[match.lastgroup])
        place = match.end()
        is_word = token.text in _WORDS or token.text == "*"
        if (is_word and previous not in _OPENERS) or (token.kind, token.text) in _SIGNS:
            token = Token("operator", token.text)
        elif token.text == "*":
            token = Token("name", "*")
        found.append(token)
        previous = "::" if token.kind == "axis" else token.text
        if token.kind == "operator":
            previous = "operator"
        elif token.kind != "mark":
            previous = "value"
    return [*found, Token("end", "the end")]

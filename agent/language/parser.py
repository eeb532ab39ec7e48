"""Read templates into tokens, in time linear for all but hostile ones, which are refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import _lru_cache_wrapper, lru_cache
from typing import TypeAlias

from agent.language.calculation import SumReader
from agent.language.characters import SPACES
from agent.language.failures import failure_text
from agent.language.reading import ExpressionReader, ReadFailure, TooComplex
from agent.language.tokens import (
    Calculation,
    Comparison,
    Conditional,
    Each,
    Expression,
    Substitution,
    Symbol,
    Text,
    Token,
    Tokens,
)

MAX_BLOCKS = 40
# How many texts up to a length are remembered; together some 16 million characters at most.
_REMEMBERED = ((2_000, 4096), (64_000, 64), (2_000_000, 2))
# In any case, but of ASCII: no other letter counts as one of these.
_BLOCK = re.compile(rf"#\{{[{SPACES}]*(if|unless|each|calc)[{SPACES}]+", re.IGNORECASE | re.ASCII)
_ELSE = "#{else}"
_ELSE_IF = re.compile(rf"#\{{elseif[{SPACES}]")
_IN = re.compile("in", re.IGNORECASE | re.ASCII)


_Reading: TypeAlias = "_lru_cache_wrapper[ParsedTemplate]"


@dataclass(frozen=True, slots=True)
class ParsedTemplate:
    """The tokens, or an error text where the template could not be read as a whole.

    `unread` are the places that a reader that goes on has kept as text.
    """

    tokens: Tokens
    error: str | None = None
    unread: tuple[int, ...] = ()


def is_template(text: str) -> bool:
    """Whether the text holds anything to evaluate; only then are its escapes looked at."""
    return "#{" in text


def parse_template(text: str) -> ParsedTemplate:
    """Read a whole template; one bad token spoils all of it."""
    return _read(_wholes, _parse, text)


def parse_continuing(text: str) -> ParsedTemplate:
    """Read a template, keeping as text what cannot be read."""
    return _read(_parts, _parse_continuing, text)


def forget_parsed() -> None:
    """Drop what is remembered of texts that were read."""
    for _, read in (*_wholes, *_parts):
        read.cache_clear()


def _parse_continuing(text: str) -> ParsedTemplate:
    reader = TemplateReader(text)
    tokens: list[Token] = []
    unread: list[int] = []
    try:
        while reader.position < reader.length:
            start = reader.position
            try:
                tokens.append(reader.token())
            except ReadFailure as failure:
                unread.append(start)
                resume = max(failure.position, start + 1)
                tokens.append(Text(text[start:resume]))
                reader.position = resume
    except TooComplex as error:
        return ParsedTemplate((Text(text),), str(error))
    return ParsedTemplate(tuple(tokens), unread=tuple(unread))


def parse_name(name: str) -> Symbol | None:
    """Read a variable's name as a path, as far as it goes; None when it names nothing."""
    try:
        return ExpressionReader(name).symbol()
    except (ReadFailure, TooComplex):
        return None


def _parse(text: str) -> ParsedTemplate:
    reader = TemplateReader(text)
    tokens: list[Token] = []
    start = 0
    try:
        while reader.position < reader.length:
            start = reader.position
            tokens.append(reader.token())
    except ReadFailure:
        return ParsedTemplate((), failure_text(text, start))
    except TooComplex as error:
        return ParsedTemplate((), str(error))
    return ParsedTemplate(tuple(tokens))


# Values come again with every evaluation, files with every deployment of the same package.
_wholes = [(longest, lru_cache(most)(_parse)) for longest, most in _REMEMBERED]
_parts = [(longest, lru_cache(most)(_parse_continuing)) for longest, most in _REMEMBERED]


def _read(
    remembered: list[tuple[int, _Reading]], read: Callable[[str], ParsedTemplate], text: str
) -> ParsedTemplate:
    for longest, reading in remembered:
        if len(text) <= longest:
            return reading(text)
    return read(text)


class TemplateReader(ExpressionReader):
    """Reads the tokens of one template; what was read at a place is remembered."""

    def __init__(self, text: str) -> None:
        super().__init__(text, self.token)
        self.blocks = 0
        self._known: dict[int, tuple[Token, int] | int] = {}

    def token(self) -> Token:
        """Read one token. Raises ReadFailure or TooComplex."""
        self.spend(1)
        start = self.position
        if not self.opens(start):
            return self._text()
        known = self._known.get(start)
        if isinstance(known, int):
            self.fail(known)
        if known is not None:
            self.position = known[1]
            return known[0]
        try:
            token = self._open_token(start)
        except ReadFailure as failure:
            self._known[start] = failure.position
            raise
        # Only a token inside something that may be given up is ever read again.
        self._known[start] = (token, self.position)
        return token

    def _open_token(self, start: int) -> Token:
        block = _BLOCK.match(self.text, start)
        failed_at = start
        if block is not None:
            try:
                self.position = block.end()
                return self._block(block.group(1).lower())
            except ReadFailure as failure:
                failed_at = failure.position
        self.position = start + 2
        try:
            expression = self.expression()
            self.expect("}")
        except ReadFailure as failure:
            self.fail(max(failed_at, failure.position))
        return Substitution(expression)

    def _block(self, keyword: str) -> Token:
        if keyword == "calc":
            operand = SumReader(self).sum()
            self.skip_spaces()
            self.expect("}")
            return Calculation(operand)
        self.blocks += 1
        try:
            if self.blocks > MAX_BLOCKS:
                raise TooComplex(f"Blocks are nested more than {MAX_BLOCKS} deep.")
            return self._each() if keyword == "each" else self._conditional(keyword)
        finally:
            self.blocks -= 1

    def _each(self) -> Each:
        self.skip_spaces()
        variable = self.identifier()
        self.skip_spaces()
        keyword = _IN.match(self.text, self.position)
        if keyword is None:
            self.fail(self.position + self.text.startswith(("i", "I"), self.position))
        self.position = keyword.end()
        self.skip_spaces()
        collection = self.symbol()
        self.skip_spaces()
        self.expect("}")
        body = self._body(until_else=False, until_else_if=False)
        self.expect("#{/each}")
        return Each(variable, collection, body)

    def _conditional(self, keyword: str) -> Conditional:
        left, comparison = self._condition()
        if keyword == "unless":
            body = self._body(until_else=True, until_else_if=False)
            falsy = self._otherwise()
            self.expect("#{/unless}")
            return Conditional(left, comparison, truthy=falsy, falsy=body)
        # `elseif` is an `if` inside `else`, built from the last one outward.
        branches = [(left, comparison, self._body(until_else=True, until_else_if=True))]
        while (else_if := _ELSE_IF.match(self.text, self.position)) is not None:
            self.position = else_if.end()
            try:
                left, comparison = self._condition()
            except ReadFailure:
                self.position = else_if.start()
                break
            body = self._body(until_else=True, until_else_if=True)
            branches.append((left, comparison, body))
        falsy = self._otherwise()
        self.expect("#{/if}")
        while True:
            left, comparison, body = branches.pop()
            conditional = Conditional(left, comparison, body, falsy)
            if not branches:
                return conditional
            falsy = (conditional,)

    def _otherwise(self) -> Tokens:
        if not self.text.startswith(_ELSE, self.position):
            return ()
        self.position += len(_ELSE)
        return self._body(until_else=False, until_else_if=False)

    def _body(self, *, until_else: bool, until_else_if: bool) -> Tokens:
        tokens: list[Token] = []
        while self.position < self.length:
            start = self.position
            if until_else and self.text.startswith(_ELSE, start):
                break
            if until_else_if and _ELSE_IF.match(self.text, start):
                break
            try:
                tokens.append(self.token())
            except ReadFailure:
                self.position = start
                break
        return tuple(tokens)

    def _condition(self) -> tuple[Expression, Comparison | None]:
        quoted = self.quoted()
        if quoted is not None:
            equal = self._equality()
            if equal is None:
                self.fail(self.position + self.text.startswith(("=", "!"), self.position))
            left = self.expression()
            self._close_condition()
            return left, Comparison(equal, Text(quoted))
        left = self.expression()
        self.skip_spaces()
        before = self.position
        equal = self._equality()
        if equal is None:
            self._close_condition()
            return left, None
        try:
            right_text = self.quoted()
            right = Text(right_text) if right_text is not None else self.expression()
        except ReadFailure:
            # The left side alone is a condition, which should have ended there.
            self.fail(before)
        self._close_condition()
        return left, Comparison(equal, right)

    def _equality(self) -> bool | None:
        self.skip_spaces()
        for sign in ("==", "!="):
            if self.text.startswith(sign, self.position):
                self.position += len(sign)
                self.skip_spaces()
                return sign == "=="
        return None

    def _close_condition(self) -> None:
        self.skip_spaces()
        self.expect("}")

    def _text(self) -> Text:
        text, length, start = self.text, self.length, self.position
        pieces: list[str] = []
        while self.position < length:
            at = text.find("#", self.position)
            if at < 0:
                pieces.append(text[self.position :])
                self.position = length
                break
            pieces.append(text[self.position : at])
            self.position = at
            if at + 1 == length:
                pieces.append("#")
                self.position = length
            elif text.startswith("###{", at) and at + len("###{") < length:
                pieces.append("#")
                self.position = at + 2
            elif text.startswith("##{", at):
                pieces.append("#{")
                self.position = at + 3
            elif text[at + 1] != "{":
                pieces.append(text[at : at + 2])
                self.position = at + 2
            else:
                break
        if self.position == start:
            self.fail(start + 1)
        return Text("".join(pieces))

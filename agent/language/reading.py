"""Read symbols and expressions: the part of the grammar between the braces."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NoReturn

from agent.language.characters import PLAIN_RUN, SPACE_RUN, SPACES, is_identifier_char
from agent.language.tokens import (
    Expression,
    FilterCall,
    Identifier,
    Index,
    Step,
    Symbol,
    SymbolIndex,
    Text,
    Token,
)

MAX_NESTING = 40
_SPACE_SET = frozenset(SPACES)
_BRACKET = re.compile(r"[\[\]]")
_OPENED = re.compile(rf"\[[{SPACES}]+")
# How many characters a search passes for one unit of work.
_FAST_SCAN = 64
_KEYWORDS = ("in", "==", "!=")


class TooComplex(Exception):
    """The template is nested too deeply or takes too much work to read."""


class ReadFailure(Exception):
    """The text does not go on as the grammar asks; position is where."""

    def __init__(self, position: int) -> None:
        super().__init__(position)
        self.position = position


class ExpressionReader:
    """Reads from `position` on; a method that fails leaves the position undefined."""

    def __init__(self, text: str, read_token: Callable[[], Token] | None = None) -> None:
        self.text = text
        self.length = len(text)
        self.position = 0
        self.nesting = 0
        self.work_left = 4 * self.length + 10_000
        self._read_token = read_token

    def fail(self, position: int | None = None) -> NoReturn:
        raise ReadFailure(self.position if position is None else position)

    def spend(self, work: int) -> None:
        """Count work, so that a text made to be read again and again is given up."""
        self.work_left -= work
        if self.work_left < 0:
            raise TooComplex("The template takes too much work to read.")

    def opens(self, at: int) -> bool:
        """Tell whether a token opens there; what closes a block never does."""
        return self.text.startswith("#{", at) and not self.text.startswith("/", at + 2)

    def skip_spaces(self) -> None:
        match = SPACE_RUN.match(self.text, self.position)
        if match is not None:
            self.position = match.end()

    def expect(self, literal: str) -> None:
        """Step over the literal. Raises ReadFailure at the character that differs."""
        if self.text.startswith(literal, self.position):
            self.position += len(literal)
            return
        at = self.position
        for char in literal:
            if at >= self.length or self.text[at] != char:
                break
            at += 1
        self.fail(at)

    def expression(self) -> Expression:
        """Read a symbol with its filters, or filters alone, and the blanks around."""
        self.skip_spaces()
        expression: Expression | None = None
        if not self.text.startswith("|", self.position):
            expression = self.symbol()
            self.skip_spaces()
        while self.text.startswith("|", self.position):
            before = self.position
            try:
                expression = self._filter(expression)
            except ReadFailure:
                if expression is None:
                    raise
                # A filter that cannot be read ends the expression, and what follows is no end.
                self.position = before
                break
        if expression is None:
            self.fail()
        self.skip_spaces()
        return expression

    def symbol(self) -> Symbol:
        """Read a path."""
        steps: list[Step] = [self._identifier_step()]
        while self.position < self.length:
            before = self.position
            char = self.text[before]
            try:
                if char == ".":
                    self.position += 1
                    steps.append(self._identifier_step())
                elif char == "[":
                    steps.append(self._index_step())
                else:
                    break
            except ReadFailure:
                # A step that cannot be read ends the symbol; names are bound as far as they go.
                self.position = before
                break
        return Symbol(tuple(steps))

    def identifier(self) -> str:
        """Read an identifier, in which blanks may stand, and trim it; blanks alone are one too."""
        start = self.position
        text, length = self.text, self.length
        at = start
        while at < length:
            run = PLAIN_RUN.match(text, at)
            if run is not None:
                at = run.end()
                continue
            char = text[at]
            if char in _SPACE_SET:
                if self._ends_identifier(at):
                    break
            elif char.isascii() or not is_identifier_char(char):
                break
            at += 1
        self.position = at
        if at == start:
            self.fail(at)
        return text[start:at].strip(SPACES)

    def quoted(self) -> str | None:
        """Read a string in quotes, plain or escaped, with the blanks around it; None if none."""
        start = self.position
        self.skip_spaces()
        if self.text.startswith('"', self.position):
            end = self.text.find('"', self.position + 1)
            self.spend((end if end >= 0 else self.length) // _FAST_SCAN - start // _FAST_SCAN)
            hash_sign = self.text.find("#", self.position + 1, end if end >= 0 else self.length)
            if hash_sign >= 0 or end < 0:
                self.fail(hash_sign if hash_sign >= 0 else self.length)
            value = self.text[self.position + 1 : end]
            self.position = end + 1
        elif self.text.startswith('\\"', self.position):
            end = self.text.find('\\"', self.position + 2)
            self.spend((end if end >= 0 else self.length) // _FAST_SCAN - start // _FAST_SCAN)
            if end < 0:
                self.fail(self.length)
            value = self.text[self.position + 2 : end]
            self.position = end + 2
        elif self.text.startswith("\\", self.position):
            self.fail(self.position + 1)
        else:
            self.position = start
            return None
        self.skip_spaces()
        return value

    def _ends_identifier(self, at: int) -> bool:
        """Whether the blank at this place belongs to what follows the identifier."""
        following = at + 1
        if following >= self.length:
            return False
        if self.text[following] in "|}" and following != self.length - 1:
            return True
        return (
            self.text.startswith(_KEYWORDS, following)
            and following + 2 < self.length
            and self.text[following + 2] in _SPACE_SET
        )

    def _identifier_step(self) -> Identifier:
        start = self.position
        return Identifier(self.identifier(), start)

    def _index_step(self) -> Step:
        start = self.position
        self.spend(1)
        self.position += 1
        if self.text.startswith("]", self.position):
            self.position += 1
            return Index("", start)
        symbol = self._symbol_index()
        if symbol is not None:
            return SymbolIndex(symbol, start)
        self.position = start
        return Index(self._raw_index(), start)

    def _symbol_index(self) -> Symbol | None:
        """Read `#{symbol}]`; None when the brackets hold anything else."""
        self.skip_spaces()
        if not self.opens(self.position) or self.nesting >= MAX_NESTING:
            return None
        self.nesting += 1
        try:
            self.position += 2
            expression = self.expression()
            self.expect("}")
            self.skip_spaces()
            self.expect("]")
        except ReadFailure:
            return None
        finally:
            self.nesting -= 1
        return expression if isinstance(expression, Symbol) else None

    def _raw_index(self) -> str:
        """Read the text up to the bracket that closes the one here; inner pairs are kept."""
        start, depth = self.position, 0
        for bracket in _BRACKET.finditer(self.text, start):
            depth += 1 if bracket.group() == "[" else -1
            self.spend(1)
            if depth == 0:
                self.position = bracket.end()
                # Blanks after a bracket do not count, those before one do.
                return _OPENED.sub("[", self.text[start : bracket.start()])[1:]
        self.spend((self.length - start) // _FAST_SCAN)
        raise ReadFailure(self.length)

    def _filter(self, argument: Expression | None) -> FilterCall:
        if self.nesting >= MAX_NESTING:
            self.fail()
        self.position += 1
        self.skip_spaces()
        name = self._word()
        if not name:
            self.fail()
        self.skip_spaces()
        options: list[Token] = []
        self.nesting += 1
        try:
            while (option := self._option()) is not None:
                options.append(option)
        finally:
            self.nesting -= 1
        return FilterCall(argument, name, tuple(options))

    def _option(self) -> Token | None:
        if self.text.startswith("#{", self.position):
            if self._read_token is None:
                return None
            start = self.position
            try:
                return self._read_token()
            except ReadFailure:
                self.position = start
                return None
        start = self.position
        self.skip_spaces()
        word = self._word()
        if word:
            self.skip_spaces()
            return Text(word)
        try:
            quoted = self.quoted()
        except ReadFailure:
            quoted = None
        if quoted is None:
            self.position = start
            return None
        return Text(quoted)

    def _word(self) -> str:
        start = at = self.position
        while at < self.length:
            run = PLAIN_RUN.match(self.text, at)
            if run is not None:
                at = run.end()
            elif not self.text[at].isascii() and is_identifier_char(self.text[at]):
                at += 1
            else:
                break
        self.position = at
        return self.text[start:at]

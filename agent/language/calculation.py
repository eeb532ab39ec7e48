"""Read the sum of a `#{calc}` block."""

from __future__ import annotations

import re
from collections.abc import Callable

from agent.language.characters import SPACES
from agent.language.reading import ExpressionReader, ReadFailure
from agent.language.tokens import Identifier, Number, Operand, Operation, Symbol

MAX_PARENTHESES = 40
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?|\.[0-9]+")
_BROKEN_NUMBER = re.compile(r"[0-9]*\.(?![0-9])")


class SumReader:
    """Reads from where the expression reader stands."""

    def __init__(self, reader: ExpressionReader) -> None:
        self.reader = reader
        self.parentheses = 0

    def sum(self) -> Operand:
        """Read operands joined by `+` and `-`. Raises ReadFailure."""
        return self._joined("+-", self._product)

    def _product(self) -> Operand:
        return self._joined("*/%", self._factor)

    def _joined(self, signs: str, operand: Callable[[], Operand]) -> Operand:
        left = operand()
        while True:
            before = self.reader.position
            operator = self._operator(signs)
            if operator is None:
                return left
            try:
                left = Operation(left, operator, operand())
            except ReadFailure:
                # A sign that nothing follows belongs to what comes after the sum.
                self.reader.position = before
                return left

    def _operator(self, signs: str) -> str | None:
        reader = self.reader
        start = reader.position
        reader.skip_spaces()
        if reader.position < reader.length and reader.text[reader.position] in signs:
            operator = reader.text[reader.position]
            reader.position += 1
            reader.skip_spaces()
            return operator
        reader.position = start
        return None

    def _factor(self) -> Operand:
        reader = self.reader
        if reader.text.startswith("(", reader.position):
            start = reader.position
            try:
                return self._parenthesis()
            except ReadFailure as failure:
                return self._lone_symbol(start) or reader.fail(failure.position)
        broken = _BROKEN_NUMBER.match(reader.text, reader.position)
        if broken is not None:
            reader.fail(broken.end())
        number = _NUMBER.match(reader.text, reader.position)
        if number is not None:
            reader.position = number.end()
            return Number(float(number.group()))
        if reader.text.startswith("{", reader.position):
            reader.position += 1
            reader.skip_spaces()
            symbol = reader.symbol()
            reader.skip_spaces()
            reader.expect("}")
            return symbol
        reader.skip_spaces()
        symbol = reader.symbol()
        reader.skip_spaces()
        return symbol

    def _parenthesis(self) -> Operand:
        self.parentheses += 1
        try:
            if self.parentheses > MAX_PARENTHESES:
                self.reader.fail()
            self.reader.position += 1
            operand = self.sum()
            self.reader.expect(")")
        finally:
            self.parentheses -= 1
        return operand

    def _lone_symbol(self, start: int) -> Symbol | None:
        """Read `(A)`, where the closing parenthesis counts as part of the identifier."""
        self.reader.position = start + 1
        try:
            symbol = self.reader.symbol()
        except ReadFailure:
            return None
        name = symbol.steps[0].text if isinstance(symbol.steps[0], Identifier) else ""
        if len(symbol.steps) > 1 or not name.endswith(")") or "(" in name or len(name) == 1:
            return None
        return Symbol((Identifier(name.removesuffix(")").rstrip(SPACES), start + 1),))

"""One evaluation at work: tokens become text."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from agent.language.characters import SPACES, fold
from agent.language.echo import expression_text, token_text
from agent.language.environment import Call
from agent.language.filters import FILTERS
from agent.language.limits import LanguageError
from agent.language.loops import items_of_node, names_of_round
from agent.language.numbers import double_text, parse_double
from agent.language.tokens import (
    OCTOPUS,
    Calculation,
    Conditional,
    Each,
    Expression,
    FilterCall,
    Number,
    Operand,
    Operation,
    Substitution,
    Symbol,
    Text,
    Token,
    Tokens,
)
from agent.language.walking import Context, Findings, Walking

_NULL: Final = "null"
# Numbers from here on are beyond 64 bits.
_WHOLE: Final = 2.0**63


class Unfindable(Exception):
    """A condition holds a filter without result, so neither branch can be chosen."""


class Rendering(Walking):
    """Renders tokens."""

    def render(self, tokens: Tokens, context: Context, findings: Findings) -> str:
        """Render tokens to text. Raises LanguageError."""
        budget, pieces = self.budget, []
        budget.step(len(tokens))
        for token in tokens:
            if isinstance(token, Text):
                pieces.append(token.text)
            else:
                pieces.append(_RENDERERS[type(token)](self, token, context, findings))
        if len(pieces) == 1:
            # What a single token gave has been counted.
            return pieces[0]
        budget.write(sum(map(len, pieces)))
        return "".join(pieces)

    def substitution(self, token: Substitution, context: Context, findings: Findings) -> str:
        expression = token.expression
        value = self._value(expression, context, findings)
        if value is not None:
            return value
        echo = token_text(token)
        if isinstance(expression, FilterCall) and expression.name == _NULL:
            findings.null = True
        else:
            findings.missing[echo] = None
        return echo

    def conditional(self, token: Conditional, context: Context, findings: Findings) -> str:
        try:
            holds = self._holds(token, context, findings)
        except Unfindable as unfindable:
            findings.missing[str(unfindable)] = None
            return token_text(token)
        return self.render(token.truthy if holds else token.falsy, context, findings)

    def _holds(self, token: Conditional, context: Context, findings: Findings) -> bool:
        left = self._side(token.left, context, findings)
        comparison = token.comparison
        if comparison is None:
            return is_truthy(left)
        return (left == self._side(comparison.right, context, findings)) is comparison.equal

    def _side(self, expression: Expression | Text, context: Context, findings: Findings) -> str:
        if isinstance(expression, Text):
            return expression.text
        value = self._value(expression, context, findings)
        if value is None and isinstance(expression, FilterCall):
            raise Unfindable(expression_text(expression))
        return value or ""

    def each(self, token: Each, context: Context, findings: Findings) -> str:
        node = self.walk(token.collection, context, findings, is_whole=True)
        if node is None:
            return ""
        name = fold(token.variable)
        items = items_of_node(node, self.environment.culture, self.budget)
        if items and name == OCTOPUS:
            raise LanguageError("A loop variable may not be called Octopus.")
        pieces: list[str] = []
        for index, item in enumerate(items):
            self.budget.loop()
            number = index if token.asks_for_round else None
            inner = Context(names_of_round(name, item, number, len(items)), context)
            pieces.append(self.render(token.body, inner, findings))
        self.budget.write(sum(map(len, pieces)))
        return "".join(pieces)

    def calculation(self, token: Calculation, context: Context, findings: Findings) -> str:
        value = self._calculate(token.operand, context, findings)
        return token_text(token) if value is None else double_text(value)

    def _calculate(self, operand: Operand, context: Context, findings: Findings) -> float | None:
        match operand:
            case Number(value):
                return value
            case Operation(left, operator, right):
                # Without the first, nobody asks for the second or for what is missing in it.
                first = self._calculate(left, context, findings)
                second = None if first is None else self._calculate(right, context, findings)
                if first is None or second is None:
                    return None
                return _apply(operator, first, second)
            case _:
                text = self._value(operand, context, findings)
                return None if text is None else parse_double(text)

    def _value(self, expression: Expression, context: Context, findings: Findings) -> str | None:
        if isinstance(expression, Symbol):
            node = self.walk(expression, context, findings)
            return None if node is None else node.item
        argument = None
        if expression.argument is not None:
            argument = self._value(expression.argument, context, findings)
        options = tuple(self._option(option, context, findings) for option in expression.options)
        return self._filter(expression.name.lower(), Call(argument, options, self.environment))

    def _option(self, option: Token, context: Context, findings: Findings) -> str:
        if isinstance(option, Text):
            return option.text
        return self.render((option,), Context(None, context), findings)

    def _filter(self, name: str, call: Call) -> str | None:
        self.budget.step(text=call.argument)
        for filters in (FILTERS, self.environment.extra_filters):
            known = filters.get(name)
            if known is None:
                continue
            # Of others it is not known what their results depend on.
            self.passing += known.tells_time or filters is not FILTERS
            result = known.apply(call)
            if result is not None:
                self.budget.write(len(result))
                return result
        return None


def is_truthy(text: str) -> bool:
    """Whether the text counts as true: not empty, not "0", not no or false in any case."""
    return text not in ("", "0") and text.strip(SPACES).lower() not in ("no", "false")


def _apply(operator: str, first: float, second: float) -> float | None:
    match operator:
        case "+":
            return first + second
        case "-":
            return first - second
        case "*":
            return first * second
        case "%":
            return _remainder(first, second)
        case _:
            if second != 0:
                return first / second
            sign = math.copysign(1.0, first) * math.copysign(1.0, second)
            return math.nan if first == 0 or math.isnan(first) else sign * math.inf


def _remainder(first: float, second: float) -> float | None:
    """Return what is left with the sign of the first; None unless both are whole and small."""
    for number in (first, second):
        if not number.is_integer() or not -_WHOLE <= number < _WHOLE:
            return None
    # Without a sign on a zero.
    return math.fmod(first, second) + 0.0 if second else None


_RENDERERS: Final[dict[type, Callable[[Rendering, Any, Context, Findings], str]]] = {
    Substitution: Rendering.substitution,
    Conditional: Rendering.conditional,
    Each: Rendering.each,
    Calculation: Rendering.calculation,
}

"""One evaluation at work: contexts, the walk along a symbol, and the tokens."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from agent.language.characters import SPACES, fold
from agent.language.echo import expression_text, symbol_text, token_text
from agent.language.environment import Call, Environment
from agent.language.filters import FILTERS
from agent.language.limits import Budget, LanguageError, RecursiveDefinition
from agent.language.members import NegativeIndex, items_of, member_text
from agent.language.numbers import double_text, parse_double
from agent.language.parser import is_template, parse_template
from agent.language.tokens import (
    Calculation,
    Comparison,
    Conditional,
    Each,
    Expression,
    FilterCall,
    Identifier,
    Index,
    Number,
    Operand,
    Operation,
    Substitution,
    Symbol,
    SymbolIndex,
    Text,
    Token,
    Tokens,
)
from agent.language.variables import Node, VariableSet

FIRST = "*"
NULL = "null"
Known: TypeAlias = dict[Node, tuple[Node, tuple[str, ...]]]
# Stands for a walk that ended at an index without value: outer names are not asked then.
NOWHERE = Node()


class Unfindable(Exception):
    """A condition holds a filter without result, so neither branch can be chosen."""


@dataclass(slots=True)
class Findings:
    """What an evaluation could not find, in the order met, and whether it came to no value."""

    missing: dict[str, None] = field(default_factory=dict)
    null: bool = False


@dataclass(slots=True)
class Context:
    """Names visible at one place; `walking` holds the symbols whose values are being sought."""

    root: Node | None
    parent: Context | None = None
    walking: list[Symbol] = field(default_factory=list)


@dataclass(slots=True)
class Rendering:
    """Renders tokens. What a variable of the set came to is remembered in `known`."""

    variables: VariableSet
    budget: Budget
    environment: Environment
    known: Known = field(default_factory=dict)
    context: Context = field(init=False)
    swallowed: int = 0

    def __post_init__(self) -> None:
        self.context = Context(self.variables.root)

    def render(self, tokens: Tokens, context: Context, findings: Findings) -> str:
        """Render tokens to text. Raises LanguageError."""
        pieces: list[str] = []
        for token in tokens:
            self.budget.step()
            text = self._token(token, context, findings)
            self.budget.write(len(text))
            pieces.append(text)
        return "".join(pieces)

    def _token(self, token: Token, context: Context, findings: Findings) -> str:
        match token:
            case Text(text):
                return text
            case Substitution(expression):
                return self._substitution(token, expression, context, findings)
            case Conditional():
                return self._conditional(token, context, findings)
            case Each():
                return self._each(token, context, findings)
            case Calculation(operand):
                value = self._calculate(operand, context, findings)
                return token_text(token) if value is None else double_text(value)

    def _substitution(
        self, token: Substitution, expression: Expression, context: Context, findings: Findings
    ) -> str:
        value = self._value(expression, context, findings)
        if value is not None:
            return value
        echo = token_text(token)
        if isinstance(expression, FilterCall) and expression.name == NULL:
            findings.null = True
        else:
            findings.missing[echo] = None
        return echo

    def _conditional(self, token: Conditional, context: Context, findings: Findings) -> str:
        try:
            holds = self._holds(token, context, findings)
        except Unfindable as unfindable:
            findings.missing[str(unfindable)] = None
            return token_text(token)
        return self.render(token.truthy if holds else token.falsy, context, findings)

    def _holds(self, token: Conditional, context: Context, findings: Findings) -> bool:
        left = self._side(token.left, context, findings)
        match token.comparison:
            case None:
                return is_truthy(left)
            case Comparison(equal, Text(text)):
                return (left == text) is equal
            case Comparison(equal, right):
                return (left == self._side(right, context, findings)) is equal

    def _side(self, expression: Expression | Text, context: Context, findings: Findings) -> str:
        if isinstance(expression, Text):
            return expression.text
        value = self._value(expression, context, findings)
        if value is None and isinstance(expression, FilterCall):
            raise Unfindable(expression_text(expression))
        return value or ""

    def _each(self, token: Each, context: Context, findings: Findings) -> str:
        node = self._walk(token.collection, context, findings)
        if node is None:
            return ""
        items = _items(node)
        if items and fold(token.variable) == "OCTOPUS":
            raise LanguageError("A loop variable may not be called Octopus.")
        pieces: list[str] = []
        for index, item in enumerate(items):
            self.budget.loop()
            inner = Context(_loop_names(token.variable, item, index, len(items)), context)
            pieces.append(self.render(token.body, inner, findings))
        return "".join(pieces)

    def _calculate(self, operand: Operand, context: Context, findings: Findings) -> float | None:
        match operand:
            case Number(value):
                return value
            case Operation(left, operator, right):
                first = self._calculate(left, context, findings)
                second = self._calculate(right, context, findings)
                if first is None or second is None:
                    return None
                return _apply(operator, first, second)
            case _:
                text = self._value(operand, context, findings)
                return None if text is None else parse_double(text)

    def _value(self, expression: Expression, context: Context, findings: Findings) -> str | None:
        if isinstance(expression, Symbol):
            node = self._walk(expression, context, findings)
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
        for filters in (FILTERS, self.environment.extra_filters):
            known = filters.get(name)
            result = known.apply(call) if known is not None else None
            if result is not None:
                self.budget.write(len(result))
                return result
        return None

    def _walk(self, symbol: Symbol, context: Context, findings: Findings) -> Node | None:
        """Find the node a symbol leads to, its text evaluated. Raises LanguageError."""
        _refuse_loop(symbol, context)
        context.walking.append(symbol)
        try:
            resolved = self._with_known_indexes(symbol, context, findings)
            node = self._find(resolved, context)
            if node is NOWHERE:
                return None
            if node is None:
                outer = context.parent
                return None if outer is None else self._walk(resolved, outer, findings)
            return self._evaluated(node, context, findings)
        finally:
            context.walking.pop()

    def _with_known_indexes(self, symbol: Symbol, context: Context, findings: Findings) -> Symbol:
        if not any(isinstance(step, SymbolIndex) for step in symbol.steps):
            return symbol
        steps = list(symbol.steps)
        for at, step in enumerate(steps):
            if isinstance(step, SymbolIndex):
                node = self._walk(step.symbol, context, findings)
                if node is not None:
                    steps[at] = Index(node.item or "", step.position)
        return replace(symbol, steps=tuple(steps))

    def _find(self, symbol: Symbol, context: Context) -> Node | None:
        node = context.root
        for step in symbol.steps:
            if node is None:
                return None
            if isinstance(step, SymbolIndex):
                return NOWHERE
            if isinstance(step, Identifier):
                child = node.named.get(fold(step.text))
            elif step.text == FIRST and node.indexed:
                child = next(iter(node.indexed.values()))
            else:
                child = node.indexed.get(fold(step.text))
            node = child if child is not None else self._member(node, step.text, context)
        return node

    def _member(self, node: Node, step: str, context: Context) -> Node | None:
        """Look for the step inside a value that is JSON."""
        if not node.item or not step:
            return None
        text = node.item
        if is_template(text):
            try:
                text = self._evaluated(node, context, Findings()).item or ""
            except RecursiveDefinition:
                # The value mentions what is being sought: for now it has no members.
                self.swallowed += 1
                return None
        try:
            member = member_text(text, step)
        except NegativeIndex as error:
            raise LanguageError(str(error)) from error
        return None if member is None else Node(member)

    def _evaluated(self, node: Node, context: Context, findings: Findings) -> Node:
        if node.item is None:
            return node
        if not is_template(node.item):
            return Node(node.item) if node.named or node.indexed else node
        known = self.known.get(node) if context is self.context else None
        if known is not None:
            findings.missing.update(dict.fromkeys(known[1]))
            return known[0]
        parsed = parse_template(node.item)
        if parsed.error is not None:
            return node
        swallowed, inner = self.swallowed, Findings()
        self.budget.enter()
        try:
            value = Node(self.render(parsed.tokens, Context(None, context), inner))
        finally:
            self.budget.leave()
        findings.missing.update(inner.missing)
        # What a swallowed loop left out depends on who was asking, so it is not remembered.
        if context is self.context and swallowed == self.swallowed:
            self.known[node] = (value, tuple(inner.missing))
        return value


def is_truthy(text: str) -> bool:
    """Whether the text counts as true: not empty, not "0", not no or false in any case."""
    return text not in ("", "0") and text.strip(SPACES).lower() not in ("no", "false")


def _refuse_loop(symbol: Symbol, context: Context) -> None:
    place: Context | None = context
    while place is not None:
        if symbol in place.walking:
            chain = " -> ".join(map(symbol_text, (*place.walking, symbol)))
            raise RecursiveDefinition(
                f'An attempt to parse the variable symbol "{symbol_text(symbol)}" appears to have '
                f"resulted in a self referencing loop ({chain}). Ensure that recursive loops do "
                "not exist in the variable values."
            )
        place = place.parent


def _items(node: Node) -> list[Node]:
    if node.indexed:
        return list(node.indexed.values())
    if node.item is None:
        return []
    found = items_of(node.item)
    if found is None:
        return [Node(part) for part in node.item.split(",")]
    return [_json_item(item) for item in found]


def _json_item(item: str | tuple[str, str]) -> Node:
    if isinstance(item, str):
        return Node(item)
    name, value = item
    node = Node(name)
    node.child("Key").item = name
    node.child("Value").item = value
    return node


def _loop_names(variable: str, item: Node, index: int, count: int) -> Node:
    root = Node()
    each = root.child("Octopus").child("Template").child("Each")
    each.child("Index").item = str(index)
    each.child("First").item = str(index == 0)
    each.child("Last").item = str(index == count - 1)
    root.add(fold(variable), item)
    return root


def _apply(operator: str, first: float, second: float) -> float:
    match operator:
        case "+":
            return first + second
        case "-":
            return first - second
        case "*":
            return first * second
        case _:
            if second != 0:
                return first / second
            sign = math.copysign(1.0, first) * math.copysign(1.0, second)
            return math.nan if first == 0 or math.isnan(first) else sign * math.inf

"""Templates evaluated the plain way: by the tree alone, every value anew each time it is mentioned.

`agent.language` remembers values and asks for names before it makes a tree; a property test holds
both together. Filters and JSON are the same ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agent.language import LanguageError, RecursiveDefinition, is_truthy
from agent.language.characters import fold
from agent.language.echo import expression_text, token_text
from agent.language.environment import Call, Environment
from agent.language.filters import FILTERS
from agent.language.json_values import NegativeIndex, items_of, member_text
from agent.language.numbers import double_text, parse_double
from agent.language.tokens import (
    NOWHERE,
    Calculation,
    Conditional,
    Each,
    FilterCall,
    Identifier,
    Index,
    Number,
    Operation,
    Substitution,
    Symbol,
    SymbolIndex,
    Text,
)
from tests.agent.language.combinators import Reading
from tests.agent.language.template_grammar import SYMBOL, read_whole

MOST_STEPS = 4_000


class TooMuch(Exception):
    """This template takes too long without a memory."""


@dataclass
class Node:
    item: str | None = None
    named: dict[str, Node] = field(default_factory=dict)
    indexed: dict[str, Node] = field(default_factory=dict)


@dataclass
class Place:
    tree: Node
    parent: Place | None = None
    walking: list[Symbol] = field(default_factory=list)


@dataclass
class Found:
    missing: list[str] = field(default_factory=list)
    nulls: int = 0


def tree_of(variables: Mapping[str, str]) -> Node:
    root = Node()
    known: dict[str, tuple[str, str]] = {}
    for name, text in variables.items():
        first = known.get(fold(name), (name, text))[0]
        known[fold(name)] = (first, text)
    for name, text in known.values():
        read = SYMBOL(Reading(name), 0)
        if read.ok and not any(isinstance(step, SymbolIndex) for step in read.value.steps):
            node = root
            for step in read.value.steps:
                children = node.indexed if isinstance(step, Index) else node.named
                new = Node(step.text if isinstance(step, Index) else None)
                node = children.setdefault(fold(step.text), new)
            node.item = text
    return root


def remainder(first: float, second: float) -> float | None:
    if max(abs(first), abs(second)) >= 2**63 or (first % 1, second % 1) != (0, 0) or not second:
        return None
    left = abs(int(first)) % abs(int(second))
    return float(-left if first < 0 else left)


class Plain:
    """One evaluation."""

    def __init__(self, variables: Mapping[str, str], environment: Environment) -> None:
        self.root = Place(tree_of(variables))
        self.environment = environment
        self.steps = 0

    def evaluate(self, tokens: Any) -> tuple[str, tuple[str, ...], bool]:
        """Return the text, what is missing, and whether it is none at all."""
        found = Found()
        text = self.render(tokens, self.root, found)
        missing = tuple(dict.fromkeys(found.missing))
        return ("", missing, True) if found.nulls else (text, missing, False)

    def render(self, tokens: Any, place: Place, found: Found) -> str:
        return "".join([self.token(token, place, found) for token in tokens])

    def token(self, token: Any, place: Place, found: Found) -> str:
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise TooMuch
        match token:
            case Text(text):
                return text
            case Substitution(expression):
                value = self.value(expression, place, found)
                if (
                    value is None
                    and isinstance(expression, FilterCall)
                    and expression.name == "null"
                ):
                    found.nulls += 1
                elif value is None:
                    found.missing.append(token_text(token))
                return token_text(token) if value is None else value
            case Conditional():
                return self.conditional(token, place, found)
            case Each(variable, collection, body):
                return self.each(variable, self.walk(collection, place, found), body, place, found)
            case Calculation(operand):
                number = self.number(operand, place, found)
                return token_text(token) if number is None else double_text(number)
        raise AssertionError(token)

    def conditional(self, token: Conditional, place: Place, found: Found) -> str:
        sides: list[str] = []
        right = token.comparison.right if token.comparison else None
        for side in (token.left, *((right,) if right is not None else ())):
            value = side.text if isinstance(side, Text) else self.value(side, place, found)
            if value is None and isinstance(side, FilterCall):
                found.missing.append(expression_text(side))
                return token_text(token)
            sides.append(value or "")
        if token.comparison is None:
            holds = is_truthy(sides[0])
        else:
            holds = (sides[0] == sides[1]) is token.comparison.equal
        return self.render(token.truthy if holds else token.falsy, place, found)

    def each(self, variable: str, node: Node | None, body: Any, place: Place, found: Found) -> str:
        items = [] if node is None else self.items(node)
        if items and fold(variable) == "OCTOPUS":
            raise LanguageError("A loop variable may not be called Octopus.")
        pieces = []
        for index, item in enumerate(items):
            tree = tree_of(
                {
                    "Octopus.Template.Each.Index": str(index),
                    "Octopus.Template.Each.First": str(index == 0),
                    "Octopus.Template.Each.Last": str(index == len(items) - 1),
                }
            )
            tree.named[fold(variable)] = item
            pieces.append(self.render(body, Place(tree, place), found))
        return "".join(pieces)

    def items(self, node: Node) -> list[Node]:
        if node.indexed or node.item is None:
            return list(node.indexed.values())
        found = items_of(node.item, self.environment.culture)
        if found is None:
            return [Node(part) for part in node.item.split(",")]
        return [
            Node(each)
            if isinstance(each, str)
            else Node(each[0], {"KEY": Node(each[0]), "VALUE": Node(each[1])})
            for each in found
        ]

    def number(self, operand: Any, place: Place, found: Found) -> float | None:
        match operand:
            case Number(value):
                return value
            case Operation(left, operator, right):
                first = self.number(left, place, found)
                second = None if first is None else self.number(right, place, found)
                if first is None or second is None:
                    return None
                if operator == "/" and second == 0:
                    raise TooMuch
                if operator == "%":
                    return remainder(first, second)
                return {
                    "+": first + second,
                    "-": first - second,
                    "*": first * second,
                    "/": first / (second or 1),
                }[operator]
        text = self.value(operand, place, found)
        return None if text is None else parse_double(text)

    def value(self, expression: Any, place: Place, found: Found) -> str | None:
        if isinstance(expression, Symbol):
            node = self.walk(expression, place, found)
            return None if node is None else node.item
        argument = expression.argument and self.value(expression.argument, place, found)
        options = tuple(
            each.text if isinstance(each, Text) else self.token(each, Place(Node(), place), found)
            for each in expression.options
        )
        known = FILTERS.get(expression.name.lower())
        return known.apply(Call(argument, options, self.environment)) if known else None

    def walk(self, symbol: Symbol, place: Place, found: Found) -> Node | None:
        above: Place | None = place
        while above is not None:
            if any(other.identity == symbol.identity for other in above.walking):
                raise RecursiveDefinition(symbol)
            above = above.parent
        place.walking.append(symbol)
        try:
            steps = [self.step(step, place) for step in symbol.steps]
            node = place.tree
            for step in steps:
                if isinstance(step, SymbolIndex):
                    return None
                child = self.child(node, step) or self.member(node, step.text, place)
                if child is None:
                    if place.parent is None:
                        return None
                    return self.walk(Symbol(tuple(steps)), place.parent, found)
                node = child
            return self.evaluated(node, place, found)
        finally:
            place.walking.pop()

    def step(self, step: Any, place: Place) -> Any:
        if not isinstance(step, SymbolIndex):
            return step
        node = self.walk(step.symbol, place, Found())
        return Index(node.item, NOWHERE) if node and node.item is not None else step

    def child(self, node: Node, step: Identifier | Index) -> Node | None:
        if isinstance(step, Identifier):
            return node.named.get(fold(step.text))
        if step.text == "*" and node.indexed:
            return next(iter(node.indexed.values()))
        return node.indexed.get(fold(step.text))

    def member(self, node: Node, step: str, place: Place) -> Node | None:
        if not node.item or not step:
            return None
        try:
            text = self.evaluated(node, place, Found()).item or ""
        except RecursiveDefinition:
            return None
        try:
            member = member_text(text, step, self.environment.culture)
        except NegativeIndex as error:
            raise LanguageError(str(error)) from error
        return None if member is None else Node(member)

    def evaluated(self, node: Node, place: Place, found: Found) -> Node:
        tokens = None if node.item is None else read_whole(node.item)
        if tokens is None or isinstance(tokens, int):
            return node
        inner = Found()
        text = self.render(tokens, Place(Node(), place), inner)
        found.missing += dict.fromkeys(inner.missing)
        return Node(text)

"""Find what symbols lead to; a value found on the way that is a template is evaluated."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TypeAlias

from agent.language.echo import symbol_text
from agent.language.environment import Environment
from agent.language.json_values import NegativeIndex, member_text
from agent.language.limits import Budget, LanguageError, RecursiveDefinition
from agent.language.parser import is_template, parse_template
from agent.language.tokens import FIRST, NOWHERE, Index, Path, Symbol, SymbolIndex, Tokens
from agent.language.variables import Node, VariableSet

# What values came to, with what was missing in them.
Known: TypeAlias = dict[Node, tuple[Node, tuple[str, ...]]]


@dataclass(slots=True)
class Findings:
    """What an evaluation could not find, in the order met, and whether it came to no value."""

    missing: dict[str, None] = field(default_factory=dict)
    null: bool = False


class Context:
    """Names visible at one place; `walking` holds the symbols whose values are being sought."""

    __slots__ = ("parent", "root", "walking")

    def __init__(self, root: Node | None, parent: Context | None = None) -> None:
        self.root = root
        self.parent = parent
        self.walking: list[Symbol] = []


class Walking(ABC):
    """Walks along symbols. What a variable of the set came to is remembered in `known`.

    `passing` counts what makes a value one for now only: a loop that was passed over, a clock.
    What is left over from earlier evaluations of the same set is in `lasting`.
    """

    def __init__(
        self,
        variables: VariableSet,
        budget: Budget,
        environment: Environment,
        known: Known | None = None,
    ) -> None:
        # Its names are the variables, of which the tree is made when it is needed.
        self.context = Context(None)
        self.variables = variables
        self.budget = budget
        self.environment = environment
        self.known: Known = {} if known is None else known
        self.lasting = variables.lasting(environment.culture)
        self.swallowed = 0
        self.passing = 0

    @abstractmethod
    def render(self, tokens: Tokens, context: Context, findings: Findings) -> str:
        """Render tokens to text. Raises LanguageError."""

    def walk(
        self, symbol: Symbol, context: Context, findings: Findings, *, is_whole: bool = False
    ) -> Node | None:
        """Find the node a symbol leads to, its text evaluated; with what is below if `is_whole`.

        Raises LanguageError.
        """
        _refuse_loop(symbol, context)
        place: Context | None = context
        while place is not None:
            # Where its indexes are looked up it is known as written, and beyond by what they are.
            written = symbol
            if symbol.path is None:
                symbol = self._with_known_indexes(symbol, place)
                if symbol.path is None:
                    self._look_before(written, symbol, place)
                    return None
            node = None
            if place is self.context:
                if symbol.key is not None and not is_whole:
                    node = self.variables.leaf(symbol.key)
                node = node or self._find(written, symbol.path, self.variables.root, place)
            elif place.root is not None:
                node = self._find(written, symbol.path, place.root, place)
            if node is not None:
                return self._evaluated(written, node, place, findings)
            place = place.parent
            if place is not None and written is not symbol:
                _refuse_loop(symbol, place)
        return None

    def _with_known_indexes(self, symbol: Symbol, context: Context) -> Symbol:
        steps = list(symbol.steps)
        context.walking.append(symbol)
        try:
            for at, step in enumerate(steps):
                if isinstance(step, SymbolIndex):
                    # What is missing on the way to an index is not told: the whole token is.
                    node = self.walk(step.symbol, context, Findings())
                    if node is not None and node.item is not None:
                        steps[at] = Index(node.item, NOWHERE)
        finally:
            context.walking.pop()
        return Symbol(tuple(steps))

    def _look_before(self, written: Symbol, symbol: Symbol, place: Context | None) -> None:
        """Walk the steps up to an index that is not known, for what fails there fails first."""
        before = takewhile(lambda step: not isinstance(step, SymbolIndex), symbol.steps)
        path = Symbol(tuple(before)).path
        while place is not None and path is not None and len(path) > 1:
            root = self.variables.root if place is self.context else place.root
            if root is not None and self._find(written, path, root, place) is not None:
                return
            place = place.parent

    def _find(self, symbol: Symbol, path: Path, root: Node, context: Context) -> Node | None:
        node: Node | None = root
        for is_index, key, text in path:
            if node is None:
                return None
            if not is_index:
                child = node.named.get(key)
            elif text == FIRST and node.indexed:
                child = next(iter(node.indexed.values()))
            else:
                child = node.indexed.get(key)
            if child is None and node.item and text:
                child = self._member(symbol, node, text, context)
            node = child
        return node

    def _member(self, symbol: Symbol, node: Node, step: str, context: Context) -> Node | None:
        """Look for the step inside a value that is JSON."""
        text = node.item or ""
        if is_template(text):
            try:
                text = self._evaluated(symbol, node, context, Findings()).item or ""
            except RecursiveDefinition:
                # The value mentions what is being sought: for now it has no members.
                self.swallowed += 1
                self.passing += 1
                return None
        self.budget.step(text=text)
        try:
            member = member_text(text, step, self.environment.culture)
        except NegativeIndex as error:
            raise LanguageError(str(error)) from error
        return None if member is None else Node(member)

    def _evaluated(self, symbol: Symbol, node: Node, context: Context, findings: Findings) -> Node:
        item = node.item
        if item is None:
            return node
        if not is_template(item):
            return Node(item) if node.named or node.indexed else node
        is_outermost = context is self.context
        if is_outermost and (known := self._known(node)) is not None:
            findings.missing.update(dict.fromkeys(known[1]))
            return known[0]
        parsed = parse_template(item)
        if parsed.error is not None:
            return node
        swallowed, passing, inner = self.swallowed, self.passing, Findings()
        self.budget.enter()
        context.walking.append(symbol)
        try:
            value = Node(self.render(parsed.tokens, Context(None, context), inner))
        finally:
            context.walking.pop()
            self.budget.leave()
        findings.missing.update(inner.missing)
        # What a swallowed loop left out depends on who was asking, so it is not remembered.
        if is_outermost and swallowed == self.swallowed:
            remembered = self.lasting if passing == self.passing else self.known
            remembered[node] = (value, tuple(inner.missing))
        return value

    def _known(self, node: Node) -> tuple[Node, tuple[str, ...]] | None:
        lasting = self.lasting.get(node)
        if lasting is not None:
            return lasting
        known = self.known.get(node)
        # What is built on it lasts no longer than it.
        self.passing += known is not None
        return known


def _refuse_loop(symbol: Symbol, context: Context) -> None:
    identity = symbol.identity
    place: Context | None = context
    while place is not None:
        for other in place.walking:
            if other.identity == identity:
                chain = " -> ".join(map(symbol_text, (*place.walking, symbol)))
                raise RecursiveDefinition(
                    f'An attempt to parse the variable symbol "{symbol_text(symbol)}" appears to '
                    f"have resulted in a self referencing loop ({chain}). Ensure that recursive "
                    "loops do not exist in the variable values."
                )
        place = place.parent

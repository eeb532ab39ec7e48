"""Find nodes by XPath, with bounds on the work and on its time."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

from agent.runtime.documents.xml.axes import AXES, document_order, top_of
from agent.runtime.documents.xml.names import local_name, namespace_of
from agent.runtime.documents.xml.nodes import (
    Attribute,
    CData,
    Comment,
    Element,
    Instruction,
    Node,
    Text,
)
from agent.runtime.documents.xml.shortening import fused
from agent.runtime.documents.xml.xpath_parser import parse_xpath
from agent.runtime.documents.xml.xpath_tokens import BadXPath
from agent.runtime.documents.xml.xpath_tree import Expression, Step
from agent.runtime.documents.xml.xpath_values import (
    FUNCTIONS,
    Focus,
    Value,
    calculate,
    compare,
    is_nodes,
    nodes_of,
    to_boolean,
    to_number,
)

MAX_VISITS = 20_000_000
MAX_SECONDS = 30.0
_CLOCK_INTERVAL = 1_024
# So many characters of a text cost what a look at a node does.
_CHARACTERS = 8
_REVERSE = {"ancestor", "ancestor-or-self", "preceding", "preceding-sibling"}


class TooMuchWork(Exception):
    """The expressions look at too many nodes, or take too long."""


class XPath:
    """A compiled expression. `namespaces` says what its prefixes mean.

    Raise BadXPath for an expression that is not understood or uses an unknown prefix.
    """

    def __init__(self, text: str, namespaces: Mapping[str, str]) -> None:
        self.expression = parse_xpath(text)
        self._namespaces = namespaces
        _check(self.expression, namespaces)

    def select(self, node: Node, work: "Work | None" = None) -> list[Node]:
        """Return the nodes in document order; raise BadXPath if it yields none but a value."""
        run = _Run(self._namespaces, work or Work())
        return list(nodes_of(run.evaluate(self.expression, Focus(node, 1, 1, run.work.texts))))

    def filtered(self, nodes: Sequence[Node], work: "Work | None" = None) -> list[Node]:
        """Return the nodes for which the expression holds as a predicate."""
        return _Run(self._namespaces, work or Work()).filtered(self.expression, nodes)


class Work:
    """Count the nodes looked at and the time, over as many expressions as share it."""

    def __init__(self) -> None:
        self._left = MAX_VISITS
        self._look_at = MAX_VISITS - _CLOCK_INTERVAL
        self._end = time.monotonic() + MAX_SECONDS

    def take(self, count: int) -> None:
        self._left -= count
        if self._left <= self._look_at:
            self._look()

    def texts(self, nodes: Iterable[Node]) -> Iterator[str]:
        """Yield what stands in the nodes; that of an element comes from everything below it."""
        for node in nodes:
            text = node.value
            self.take(1 + len(text) // _CHARACTERS)
            self._look()
            yield text

    def begin(self) -> None:
        """Count an expression that is evaluated, which may have to read the whole document."""
        self._left -= 1
        self._look()

    def _look(self) -> None:
        self._look_at = self._left - _CLOCK_INTERVAL
        if self._left < 0:
            raise TooMuchWork("the XPath expressions look at too many nodes")
        if time.monotonic() > self._end:
            raise TooMuchWork(f"the XPath expressions take longer than {MAX_SECONDS:g} seconds")


def _check(expression: Expression, namespaces: Mapping[str, str]) -> None:
    if expression.kind == "call":
        least, most, _ = FUNCTIONS.get(expression.text, (1, 0, None))
        if not least <= len(expression.parts) <= most:
            raise BadXPath(f"the function {expression.text} is not known or has other arguments")
    for part in expression.parts:
        _check(part, namespaces)
    for step in expression.steps:
        prefix = step.test.rpartition(":")[0]
        if prefix not in {"", "*", "xml"} and prefix not in namespaces:
            raise BadXPath(f"the prefix {prefix} is not declared")
        for predicate in step.predicates:
            _check(predicate, namespaces)


class _Run:
    def __init__(self, namespaces: Mapping[str, str], work: Work) -> None:
        self.namespaces = namespaces
        self.work = work
        self.order: dict[int, int] = {}

    def evaluate(self, expression: Expression, focus: Focus) -> Value:
        self.work.begin()
        match expression.kind:
            case "number":
                return expression.number
            case "literal":
                return expression.text
            case "negative":
                return -to_number(self.evaluate(expression.parts[0], focus))
            case "binary":
                return self.binary(expression, focus)
            case "call":
                arguments = [self.evaluate(part, focus) for part in expression.parts]
                return FUNCTIONS[expression.text][2](arguments, focus)
            case "union":
                parts = [nodes_of(self.evaluate(part, focus)) for part in expression.parts]
                return self.sorted([node for nodes in parts for node in nodes])
        return self.path(expression, focus)

    def binary(self, expression: Expression, focus: Focus) -> Value:
        operator, (left, right) = expression.text, expression.parts
        first = self.evaluate(left, focus)
        if operator in {"and", "or"}:
            if to_boolean(first) is (operator == "or"):
                return operator == "or"
            return to_boolean(self.evaluate(right, focus))
        second = self.evaluate(right, focus)
        if operator in {"=", "!=", "<", "<=", ">", ">="}:
            if is_nodes(first) and is_nodes(second):
                self.work.take(len(nodes_of(first)) * len(nodes_of(second)))
            return compare(operator, first, second, self.work.texts)
        return calculate(operator, to_number(first), to_number(second))

    def holds(self, predicate: Expression, focus: Focus) -> bool:
        value = self.evaluate(predicate, focus)
        if isinstance(value, float):
            return value == focus.position
        return to_boolean(value)

    def path(self, expression: Expression, focus: Focus) -> Sequence[Node]:
        if expression.parts:
            nodes = list(nodes_of(self.evaluate(expression.parts[0], focus)))
        else:
            nodes = [top_of(focus.node) if expression.is_absolute else focus.node]
        for step in fused(expression.steps):
            found: list[Node] = []
            for node in nodes:
                found += self.step(step, node)
            nodes = self.sorted(found) if len(nodes) > 1 or step.axis in _REVERSE else found
        return nodes

    def step(self, step: Step, node: Node) -> list[Node]:
        found: list[Node] = []
        for candidate in AXES[step.axis](node):
            self.work.take(1)
            if self.fits(step, candidate):
                found.append(candidate)
        for predicate in step.predicates:
            found = self.filtered(predicate, found)
        return found

    def filtered(self, predicate: Expression, nodes: Sequence[Node]) -> list[Node]:
        size, texts = len(nodes), self.work.texts
        return [
            node
            for place, node in enumerate(nodes, 1)
            if self.holds(predicate, Focus(node, place, size, texts))
        ]

    def fits(self, step: Step, node: Node) -> bool:
        match step.test:
            case "node()":
                return True
            case "text()":
                return isinstance(node, Text | CData)
            case "comment()":
                return isinstance(node, Comment)
            case "processing-instruction()":
                named = isinstance(node, Instruction) and step.target in {"", node.target}
                return named and step.axis != "attribute"
        wanted = Attribute if step.axis == "attribute" else Element
        return isinstance(node, wanted) and self.has_name(step.test, node)

    def has_name(self, test: str, node: Element | Attribute) -> bool:
        prefix, _, local = test.rpartition(":")
        if local not in {"*", local_name(node.name)}:
            return False
        if prefix == "*" or test == "*":
            return True
        return namespace_of(node) == (self.namespaces[prefix] if prefix else "")

    def sorted(self, nodes: list[Node]) -> list[Node]:
        unique = list({id(node): node for node in nodes}.values())
        if len(unique) > 1:
            if not self.order:
                self.order = document_order(top_of(unique[0]))
                self.work.take(len(self.order))
            unique.sort(key=lambda node: self.order.get(id(node), 0))
        return unique

"""The values of XPath and the functions over them."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from agent.runtime.documents.xml.names import local_name, namespace_of
from agent.runtime.documents.xml.nodes import Attribute, Element, Instruction, Node
from agent.runtime.documents.xml.xpath_tokens import BadXPath

Value = Sequence[Node] | str | float | bool
Texts = Callable[[Iterable[Node]], Iterable[str]]
_BLANK = " \t\r\n"


@dataclass(frozen=True, slots=True)
class Focus:
    """The node that an expression is about, its place among the others, and their number.

    `texts` reads the texts of many nodes, within bounds.
    """

    node: Node
    position: int
    size: int
    texts: Texts


def is_nodes(value: Value) -> bool:
    """Tell whether a value is a set of nodes."""
    return isinstance(value, list | tuple)


def nodes_of(value: Value) -> Sequence[Node]:
    """Return the nodes; raise BadXPath for any other value."""
    if isinstance(value, str | float | bool):
        raise BadXPath("a path is needed, not a value")
    return value


def to_text(value: Value) -> str:
    """Return the value as a text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _number_text(value)
    if isinstance(value, str):
        return value
    return value[0].value if value else ""


def to_number(value: Value) -> float:
    """Return the value as a number, NaN for what is none."""
    if isinstance(value, bool | float):
        return float(value)
    text = to_text(value).strip(_BLANK)
    allowed = text.lstrip("-").replace(".", "", 1)
    return float(text) if allowed.isascii() and allowed.isdigit() else math.nan


def to_boolean(value: Value) -> bool:
    """Return whether the value counts as true."""
    if isinstance(value, float):
        return value != 0 and not math.isnan(value)
    return bool(value)


def compare(operator: str, left: Value, right: Value, texts: Texts) -> bool:
    """Compare two values; of sets of nodes, whose texts are given by `texts`, any pair will do."""
    lefts: Iterable[Value] = texts(nodes_of(left)) if is_nodes(left) else [left]
    rights: list[Value] = [*texts(nodes_of(right))] if is_nodes(right) else [right]
    if isinstance(left, bool) or isinstance(right, bool):
        lefts, rights = [to_boolean(left)], [to_boolean(right)]
    return any(_compare(operator, first, second) for first in lefts for second in rights)


def _compare(operator: str, left: Value, right: Value) -> bool:
    if operator in {"=", "!="}:
        if isinstance(left, float) or isinstance(right, float):
            equal = to_number(left) == to_number(right)
        else:
            equal = left == right
        return equal is (operator == "=")
    first, second = to_number(left), to_number(right)
    orders = {"<": first < second, "<=": first <= second, ">": first > second}
    return orders.get(operator, first >= second)


def calculate(operator: str, left: float, right: float) -> float:
    """Return the result of an arithmetic operator."""
    if operator == "+":
        return left + right
    if operator == "-":
        return left - right
    if operator == "*":
        return left * right
    if right == 0 or math.isnan(right) or math.isinf(left):
        return math.nan
    if operator == "mod":
        return math.fmod(left, right)
    return float(int(left / right)) if operator == "idiv" else left / right


def _number_text(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return str(int(value)) if value == int(value) else repr(value)


def _named(arguments: Sequence[Value], focus: Focus) -> Node | None:
    if not arguments:
        return focus.node
    nodes = nodes_of(arguments[0])
    return nodes[0] if nodes else None


def _name(arguments: Sequence[Value], focus: Focus) -> str:
    node = _named(arguments, focus)
    if isinstance(node, Element | Attribute):
        return node.name
    return node.target if isinstance(node, Instruction) else ""


def _namespace(arguments: Sequence[Value], focus: Focus) -> str:
    node = _named(arguments, focus)
    return namespace_of(node) if isinstance(node, Element | Attribute) else ""


def _own_text(arguments: Sequence[Value], focus: Focus) -> str:
    return to_text(arguments[0]) if arguments else focus.node.value


def _substring(arguments: Sequence[Value], _focus: Focus) -> str:
    text, start = to_text(arguments[0]), to_number(arguments[1])
    length = to_number(arguments[2]) if len(arguments) > 2 else math.inf  # noqa: PLR2004 the third is optional
    if math.isnan(start) or math.isnan(length):
        return ""
    first = math.floor(start + 0.5)
    last = math.inf if math.isinf(length) else first + math.floor(length + 0.5)
    return "".join(char for place, char in enumerate(text, 1) if first <= place < last)


def _translate(arguments: Sequence[Value], _focus: Focus) -> str:
    text, source, target = (to_text(each) for each in arguments)
    table: dict[str, str] = {}
    for place, char in enumerate(source):
        table.setdefault(char, target[place : place + 1])
    return "".join(table.get(char, char) for char in text)


def _round(arguments: Sequence[Value], _focus: Focus) -> float:
    number = to_number(arguments[0])
    return number if math.isnan(number) or math.isinf(number) else float(math.floor(number + 0.5))


Function = Callable[[Sequence[Value], Focus], Value]

# Name -> the fewest and most arguments, and the function.
FUNCTIONS: Mapping[str, tuple[int, int, Function]] = {
    "position": (0, 0, lambda _a, focus: float(focus.position)),
    "last": (0, 0, lambda _a, focus: float(focus.size)),
    "count": (1, 1, lambda a, _focus: float(len(nodes_of(a[0])))),
    "sum": (1, 1, lambda a, focus: sum(map(to_number, focus.texts(nodes_of(a[0])))) + 0.0),
    "exists": (1, 1, lambda a, _focus: bool(nodes_of(a[0]))),
    "empty": (1, 1, lambda a, _focus: not nodes_of(a[0])),
    "name": (0, 1, _name),
    "local-name": (0, 1, lambda a, focus: local_name(_name(a, focus))),
    "namespace-uri": (0, 1, _namespace),
    "string": (0, 1, _own_text),
    "number": (0, 1, lambda a, focus: to_number(_own_text(a, focus) if not a else a[0])),
    "boolean": (1, 1, lambda a, _focus: to_boolean(a[0])),
    "not": (1, 1, lambda a, _focus: not to_boolean(a[0])),
    "true": (0, 0, lambda _a, _focus: True),
    "false": (0, 0, lambda _a, _focus: False),
    "concat": (2, 100, lambda a, _focus: "".join(to_text(each) for each in a)),
    "starts-with": (2, 2, lambda a, _focus: to_text(a[0]).startswith(to_text(a[1]))),
    "ends-with": (2, 2, lambda a, _focus: to_text(a[0]).endswith(to_text(a[1]))),
    "contains": (2, 2, lambda a, _focus: to_text(a[1]) in to_text(a[0])),
    "substring-before": (2, 2, lambda a, _focus: _cut(to_text(a[0]), to_text(a[1]))[0]),
    "substring-after": (2, 2, lambda a, _focus: _cut(to_text(a[0]), to_text(a[1]))[1]),
    "substring": (2, 3, _substring),
    "string-length": (0, 1, lambda a, focus: float(len(_own_text(a, focus)))),
    "normalize-space": (0, 1, lambda a, focus: " ".join(_own_text(a, focus).split())),
    "translate": (3, 3, _translate),
    "lower-case": (1, 1, lambda a, _focus: to_text(a[0]).lower()),
    "upper-case": (1, 1, lambda a, _focus: to_text(a[0]).upper()),
    "floor": (1, 1, lambda a, _focus: float(math.floor(to_number(a[0])))),
    "ceiling": (1, 1, lambda a, _focus: float(math.ceil(to_number(a[0])))),
    "round": (1, 1, _round),
}


def _cut(text: str, mark: str) -> tuple[str, str]:
    before, found, after = text.partition(mark)
    return (before, after) if found else ("", "")

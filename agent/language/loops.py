"""What a loop goes over, and the names that are visible in one of its rounds."""

from __future__ import annotations

from agent.language.culture import Culture
from agent.language.json_values import items_of
from agent.language.limits import Budget
from agent.language.tokens import OCTOPUS
from agent.language.variables import Node


def items_of_node(node: Node, culture: Culture, budget: Budget) -> list[Node]:
    """Return the elements: what is indexed, else those of JSON, else the parts between commas.

    Raises LimitExceeded where the loop would be too long.
    """
    if node.indexed:
        return list(node.indexed.values())
    if node.item is None:
        return []
    found = items_of(node.item, culture)
    budget.foresee(node.item.count(",") + 1 if found is None else len(found))
    if found is None:
        return [Node(part) for part in node.item.split(",")]
    return [_json_item(item) for item in found]


def _json_item(item: str | tuple[str, str]) -> Node:
    if isinstance(item, str):
        return Node(item)
    name, value = item
    node = Node(name)
    node.add("KEY", Node(name))
    node.add("VALUE", Node(value))
    return node


def names_of_round(variable: str, item: Node, index: int | None, count: int) -> Node:
    """Return the loop variable, given folded, with what tells the round unless nobody asks."""
    root = Node()
    if index is not None:
        each = root.add(OCTOPUS, Node()).add("TEMPLATE", Node()).add("EACH", Node())
        each.add("INDEX", Node(str(index)))
        each.add("FIRST", Node(str(index == 0)))
        each.add("LAST", Node(str(index == count - 1)))
    root.add(variable, item)
    return root

"""The axes of XPath: the nodes to be found from a node, nearest first, and their order."""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain

from agent.runtime.documents.xml.nodes import Attribute, Doctype, Document, Element, Node, walk


def top_of(node: Node) -> Node:
    while node.parent is not None:
        node = node.parent
    return node


def document_order(top: Node) -> dict[int, int]:
    """Return each node's place in the document."""
    order = {id(top): 0}
    if isinstance(top, Document | Element):
        for node in walk(top):
            order[id(node)] = len(order)
            if isinstance(node, Element):
                for attribute in node.attributes:
                    order[id(attribute)] = len(order)
    return order


def _children(node: Node) -> Iterator[Node]:
    if isinstance(node, Document | Element):
        declaration = node.declaration if isinstance(node, Document) else None
        for child in node.children:
            if not isinstance(child, Doctype) and child is not declaration:
                yield child


def _descendants(node: Node) -> Iterator[Node]:
    if isinstance(node, Document | Element):
        declaration = node.declaration if isinstance(node, Document) else None
        for child in walk(node):
            if not isinstance(child, Doctype) and child is not declaration:
                yield child


def _ancestors(node: Node) -> Iterator[Node]:
    current = node.parent
    while current is not None:
        yield current
        current = current.parent


def _siblings(node: Node, *, after: bool) -> Iterator[Node]:
    if isinstance(node, Attribute | Document) or node.parent is None:
        return
    children = list(_children(node.parent))
    place = next(index for index, child in enumerate(children) if child is node)
    yield from children[place + 1 :] if after else reversed(children[:place])


def _following(node: Node, *, after: bool) -> Iterator[Node]:
    for base in (node, *_ancestors(node)):
        for sibling in _siblings(base, after=after):
            inner = list(_descendants(sibling))
            yield from [sibling, *inner] if after else [*reversed(inner), sibling]


def _attributes(node: Node) -> Iterator[Node]:
    if isinstance(node, Element):
        yield from (each for each in node.attributes if not each.name.startswith("xmlns"))


AXES: Mapping[str, Callable[[Node], Iterator[Node]]] = {
    "child": _children,
    "attribute": _attributes,
    "self": lambda node: iter((node,)),
    "parent": lambda node: iter((node.parent,) if node.parent is not None else ()),
    "descendant": _descendants,
    "descendant-or-self": lambda node: chain((node,), _descendants(node)),
    "ancestor": _ancestors,
    "ancestor-or-self": lambda node: chain((node,), _ancestors(node)),
    "following-sibling": lambda node: _siblings(node, after=True),
    "preceding-sibling": lambda node: _siblings(node, after=False),
    "following": lambda node: _following(node, after=True),
    "preceding": lambda node: _following(node, after=False),
}

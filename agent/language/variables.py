"""The set of variables as a tree, so that dotted and indexed names can be walked step by step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Self

from agent.language.characters import fold
from agent.language.parser import parse_name
from agent.language.tokens import Identifier, Index


class Node:
    """A place in the tree: its text if it has one, and its children by folded name."""

    __slots__ = ("indexed", "item", "named")

    def __init__(self, item: str | None = None) -> None:
        self.item = item
        self.named: dict[str, Node] = {}
        self.indexed: dict[str, Node] = {}

    def child(self, name: str) -> Node:
        """Give the named child, made if need be."""
        key = fold(name)
        node = self.named.get(key)
        if node is None:
            node = self.named[key] = Node()
        return node

    def element(self, index: str) -> Node:
        """Give the indexed child, made if need be; a new one has its index for text."""
        key = fold(index)
        node = self.indexed.get(key)
        if node is None:
            node = self.indexed[key] = Node(index)
        return node


class VariableSet(Mapping[str, str | None]):
    """Raw values by name, without regard to case; compiled once, cheap to evaluate with.

    Setting a name again keeps its place and spelling. None counts as absent for those who ask
    for the name, and as empty text inside templates.
    """

    def __init__(self, values: Mapping[str, str | None] | None = None) -> None:
        self._values: dict[str, tuple[str, str | None]] = {}
        self._root: Node | None = None
        for name, value in (values or {}).items():
            self.set(name, value)

    @classmethod
    def of(cls, values: Mapping[str, str | None]) -> Self | VariableSet:
        """Give the values as a set, the same one if they are one already."""
        return values if isinstance(values, VariableSet) else cls(values)

    def set(self, name: str, value: str | None) -> None:
        """Add or replace one variable."""
        key = fold(name)
        known = self._values.get(key)
        self._values[key] = (name if known is None else known[0], value)
        if self._root is not None:
            _insert(self._root, self._values[key][0], value)

    @property
    def root(self) -> Node:
        """The tree of all names."""
        if self._root is None:
            root = Node()
            for name, value in self._values.values():
                _insert(root, name, value)
            self._root = root
        return self._root

    def __getitem__(self, name: str) -> str | None:
        return self._values[fold(name)][1]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and fold(name) in self._values

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._values.values())

    def __len__(self) -> int:
        return len(self._values)


def _insert(root: Node, name: str, value: str | None) -> None:
    symbol = parse_name(name)
    if symbol is None:
        # Such a name is not reachable from a template; it can still be asked for by its text.
        return
    node = root
    for step in symbol.steps:
        match step:
            case Identifier(text):
                node = node.child(text)
            case Index(text):
                node = node.element(text)
            case _:
                return
    node.item = value or ""

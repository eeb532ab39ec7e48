"""The set of variables as a tree, so that dotted and indexed names can be walked step by step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Self, TypeAlias

from agent.language.culture import Culture
from agent.language.names import keys_of, path_of
from agent.language.tokens import PathStep

# Values by their places in the tree, with what was missing in them.
Lasting: TypeAlias = "dict[Node, tuple[Node, tuple[str, ...]]]"
_NONE: Final[Mapping[str, Node]] = {}


class Node:
    """A place in the tree: its text if it has one, and its children by folded name."""

    __slots__ = ("indexed", "item", "named")

    def __init__(self, item: str | None = None) -> None:
        self.item = item
        # Most places are leaves, which share what they do not have.
        self.named: Mapping[str, Node] = _NONE
        self.indexed: Mapping[str, Node] = _NONE

    def add(self, key: str, child: Node) -> Node:
        """Set the child of a folded name, and return it."""
        if self.named is _NONE:
            self.named = {}
        self.named[key] = child  # type: ignore[index]  # its own, made above
        return child

    def _add_element(self, key: str, text: str) -> Node:
        if self.indexed is _NONE:
            self.indexed = {}
        # One that nobody gives a text has its index for it.
        child = self.indexed[key] = Node(text)  # type: ignore[index]  # as above
        return child

    def at(self, path: Iterable[PathStep]) -> Node:
        """Give the place that the path leads to, made if need be."""
        node = self
        for is_index, key, text in path:
            if is_index:
                node = node.indexed.get(key) or node._add_element(key, text)
            else:
                node = node.named.get(key) or node.add(key, Node())
        return node


class VariableSet(Mapping[str, str | None]):
    """Raw values by name, without regard to case; compiled once, cheap to evaluate with.

    Setting a name again keeps its place and spelling. None counts as absent for those who ask
    for the name, and as empty text inside templates.
    """

    def __init__(self, values: Mapping[str, str | None] | None = None) -> None:
        self._values: dict[str, tuple[str, str | None]] = {}
        self._root: Node | None = None
        # Names that lead elsewhere than they say, and where to: only the tree knows about both.
        self._shared: set[str] = set()
        self._leaves: dict[str, Node] = {}
        self._lasting: dict[Culture, Lasting] = {}
        for name, value in (values or {}).items():
            self._put(name, value)

    @classmethod
    def of(cls, values: Mapping[str, str | None]) -> Self | VariableSet:
        """Give the values as a set, the same one if they are one already."""
        return values if isinstance(values, VariableSet) else cls(values)

    def set(self, name: str, value: str | None) -> None:
        """Add or replace one variable."""
        key, spelling = self._put(name, value)
        self._lasting.clear()
        self._leaves.pop(key, None)
        if self._root is not None:
            _insert(self._root, spelling, value)

    def _put(self, name: str, value: str | None) -> tuple[str, str]:
        key, place = keys_of(name)
        if place is not None:
            self._shared.update((key, place))
        known = self._values.get(key)
        spelling = name if known is None else known[0]
        self._values[key] = (spelling, value)
        return key, spelling

    def lasting(self, culture: Culture) -> Lasting:
        """Give what values came to, with what was missing; true until one of them changes."""
        return self._lasting.setdefault(culture, {})

    def leaf(self, key: str) -> Node | None:
        """Give what a name says alone, without what lies below it; None to look into the tree.

        Most templates mention variables by their names: for them there need be no tree.
        """
        leaf = self._leaves.get(key)
        if leaf is None and key in self._values and key not in self._shared:
            leaf = self._leaves[key] = Node(self._values[key][1] or "")
        return leaf

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
        return self._values[keys_of(name)[0]][1]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and keys_of(name)[0] in self._values

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._values.values())

    def __len__(self) -> int:
        return len(self._values)


def _insert(root: Node, name: str, value: str | None) -> None:
    path = path_of(name)
    if path is None:
        # Such a name is not reachable from a template; it can still be asked for by its text.
        return
    root.at(path).item = value or ""

"""The nodes of a YAML stream, by their places in the text."""

from dataclasses import dataclass, field
from enum import StrEnum


class Style(StrEnum):
    """How a node is written. A missing one is a value that nobody wrote: `key:`."""

    PLAIN = "plain"
    SINGLE = "'"
    DOUBLE = '"'
    LITERAL = "|"
    FOLDED = ">"
    ALIAS = "*"
    MISSING = ""
    FLOW = "flow"
    BLOCK = "block"


@dataclass(slots=True)
class Node:
    """A node whose content is `[start, end)`; anchors and tags stand before it.

    `after` is the place behind what leads to the node: its key's colon, its dash, its properties;
    `outer` is where those begin. `indent` is the column of the collection around it, -1 for none.
    `text` is what stands behind the header of a block scalar, `content_indent` its column.
    """

    style: Style
    start: int
    end: int
    after: int
    indent: int = -1
    in_flow: bool = False
    in_sequence: bool = False
    has_properties: bool = False
    lead: str = " "
    text: str | None = None
    content_indent: int = 0
    is_sequence: bool = False
    outer: int = -1
    children: list[tuple[str | None, "Node"]] = field(default_factory=list)

    @property
    def is_collection(self) -> bool:
        return self.style in {Style.FLOW, Style.BLOCK}

    @property
    def is_block_scalar(self) -> bool:
        return self.style in {Style.LITERAL, Style.FOLDED}

    @property
    def last(self) -> "Node":
        """Return the node that ends where this one ends."""
        node = self
        while node.style is Style.BLOCK and node.children:
            node = node.children[-1][1]
        return node

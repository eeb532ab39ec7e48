"""Read a YAML stream into nodes: documents, block collections, scalars, their places."""

import re

from agent.runtime.documents.common import check_size
from agent.runtime.documents.yaml.flow import FlowReader
from agent.runtime.documents.yaml.nodes import Node, Style
from agent.runtime.documents.yaml.scalars import (
    BREAK,
    MARKER,
    block_scalar,
    may_start_plain,
    meaning,
    plain_line_end,
    quoted_end,
)

_DIRECTIVE = re.compile(r"%[^\r\n]*")
_MAX_KEY = 1024


def read_yaml(text: str) -> list[Node]:
    """Return the root of each document; raise BrokenDocument, also for what is not supported."""
    check_size(text)
    return _Reader(text).stream()


class _Reader(FlowReader):
    """Reads documents and what is nested by indentation."""

    def stream(self) -> list[Node]:
        documents: list[Node] = []
        here = self.directives(0)
        while here < len(self.text):
            marker = MARKER.match(self.text, here) if self.is_marker(here) else None
            if marker and marker[0] == "...":
                here = self.directives(marker.end())
                continue
            node = self.block_node(marker.end() if marker else here, -1, 0)
            documents.append(node)
            here, _ = self.gap(node.end)
            if not self.at_end(here):
                raise self.fail("this does not belong to what stands before it", here)
        return documents

    def directives(self, place: int) -> int:
        here, _ = self.gap(place)
        while self.begins_line(here) and (directive := _DIRECTIVE.match(self.text, here)):
            here, _ = self.gap(directive.end())
        return here

    # Block context

    def block_node(
        self, place: int, indent: int, depth: int, *, in_sequence: bool = False, in_key: bool = True
    ) -> Node:
        """Read the node behind an indicator; `in_key` says that a collection may begin in its line.

        A sequence may stand in the column of the mapping that it belongs to.
        """
        self.budget.take(depth)
        here, crossed = self.gap(place)
        least = indent if not in_sequence and indent >= 0 else indent + 1
        if self.at_end(here) or (crossed and not self.belongs(here, indent, least)):
            return self.missing(place, indent, in_sequence=in_sequence)
        start = here
        here, moved = self.properties(here)
        behind = here
        if here != start and (moved or self.blank_at(here)):
            here, moved = self.gap(here)
            if self.at_end(here) or (moved and not self.belongs(here, indent, least)):
                node = self.missing(behind, indent, in_sequence=in_sequence)
                node.has_properties = True
                return node
        on_new_line = moved or (start == here and (crossed or in_key))
        node = self.content(here, start, indent, depth, may_open=on_new_line)
        # Properties in front of a key on the same line belong to the key.
        owns = start != here and (node.start == here or moved)
        node.after = behind if owns else place
        node.outer = start if owns else node.start
        node.has_properties = owns
        node.in_sequence = in_sequence
        return node

    def belongs(self, here: int, indent: int, least: int) -> bool:
        column = self.column(here)
        return column > indent or (column >= least and self.is_dash(here))

    def missing(self, place: int, indent: int, *, in_sequence: bool) -> Node:
        return Node(Style.MISSING, place, place, place, indent, in_sequence=in_sequence)

    def is_dash(self, place: int) -> bool:
        return self.text.startswith("-", place) and self.blank_at(place + 1)

    def content(self, here: int, start: int, indent: int, depth: int, *, may_open: bool) -> Node:
        """Read what stands at `here`; its properties, if it has any, begin at `start`."""
        first = self.text[here]
        if self.is_dash(here):
            if not may_open:
                raise self.fail("a sequence cannot begin here", here)
            return self.sequence(here, indent, depth)
        if first == "?" and self.blank_at(here + 1):
            if not may_open:
                raise self.fail("a mapping cannot begin here", here)
            return self.mapping(here, indent, depth)
        if first in "|>":
            end, column, behind = block_scalar(self.text, here, indent)
            style = Style.LITERAL if first == "|" else Style.FOLDED
            return Node(style, here, end, here, indent, text=behind, content_indent=column)
        same_line = self.text[start:here].count("\n") == 0
        key_start = start if same_line else here
        if self.key_end(key_start) is not None:
            if not may_open and start == here:
                raise self.fail("a mapping cannot begin here", here)
            return self.mapping(key_start, indent, depth)
        return self.inline(here, indent, depth)

    def inline(self, here: int, indent: int, depth: int) -> Node:
        """Read a flow collection, alias, quoted or plain scalar in block context."""
        first = self.text[here]
        if first in "[{":
            node = self.flow_collection(here, depth)
            node.indent, node.in_flow = indent, False
        elif first in "'\"":
            end = quoted_end(self.text, here)
            node = Node(Style(first), here, end, here, indent)
        elif first == "*":
            node = Node(Style.ALIAS, here, self.alias_end(here), here, indent)
        else:
            end = self.plain_end(here, indent)
            node = Node(Style.PLAIN, here, end, here, indent)
        following = self.skip_blanks(node.end)
        if not self.ends_line(node.end, following):
            raise self.fail("this does not belong to what stands before it", following)
        return node

    def ends_line(self, end: int, following: int) -> bool:
        if following >= len(self.text) or self.text[following] in "\r\n":
            return True
        return self.text[following] == "#" and following > end

    def plain_end(self, place: int, indent: int) -> int:
        if not may_start_plain(self.text, place, in_flow=False):
            raise self.fail("a value cannot begin with this character", place)
        end = plain_line_end(self.text, place, in_flow=False)
        while BREAK.match(self.text, self.skip_blanks(end)):
            here = self.skip_blanks(end)
            while (line_break := BREAK.match(self.text, here)) is not None:
                here = self.skip_blanks(line_break.end())
            if self.at_end(here) or self.text[here] == "#" or self.column(here) <= indent:
                break
            following = plain_line_end(self.text, here, in_flow=False)
            if following == here:
                break
            end = following
        return end

    def key_end(self, place: int) -> int | None:
        """Return the place of the colon behind a key that begins here, None if there is no key."""
        here, _ = self.properties(place)
        here = self.skip_blanks(here)
        if self.blank_at(here):
            return None
        first = self.text[here]
        if first in "'\"":
            end = quoted_end(self.text, here)
        elif first == "*":
            end = self.alias_end(here)
        elif first in "[{":
            end = self.flow_collection(here, 0).end
        elif may_start_plain(self.text, here, in_flow=False):
            end = plain_line_end(self.text, here, in_flow=False)
        else:
            return None
        colon = self.skip_blanks(end)
        is_key = self.text.startswith(":", colon) and self.blank_at(colon + 1)
        if not is_key or BREAK.search(self.text, place, end):
            return None
        if end - place > _MAX_KEY:
            raise self.fail(f"a key is longer than {_MAX_KEY} characters", place)
        return colon

    def key_text(self, place: int, colon: int) -> str | None:
        """Return what the key means, None for one that is no scalar."""
        here, _ = self.properties(place)
        here = self.skip_blanks(here)
        raw = self.text[here:colon].rstrip(" \t")
        if raw[:1] in {"*", "[", "{"}:
            return None
        return meaning(raw, Style(raw[0]) if raw[0] in "'\"" else Style.PLAIN)

    def sequence(self, here: int, indent: int, depth: int) -> Node:
        column = self.column(here)
        node = Node(Style.BLOCK, here, here, here, indent, is_sequence=True)
        while True:
            child = self.block_node(here + 1, column, depth + 1, in_sequence=True)
            node.children.append((str(len(node.children)), child))
            node.end = child.end
            here, _ = self.gap(child.end)
            if self.at_end(here) or self.column(here) < column:
                return node
            if self.column(here) > column:
                raise self.fail("this is indented wrongly", here)
            if not self.is_dash(here):
                return node

    def mapping(self, here: int, indent: int, depth: int) -> Node:
        column = self.column(here)
        node = Node(Style.BLOCK, here, here, here, indent)
        while True:
            name, behind, is_explicit = self.entry(here, column, depth)
            child = self.block_node(behind, column, depth + 1, in_key=is_explicit)
            node.children.append((name, child))
            node.end = max(child.end, behind)
            here, _ = self.gap(node.end)
            if self.at_end(here) or self.column(here) < column:
                return node
            if self.column(here) > column:
                raise self.fail("this is indented wrongly", here)
            if self.is_dash(here):
                return node

    def entry(self, here: int, column: int, depth: int) -> tuple[str | None, int, bool]:
        """Read a key; return its text, the place of its value, and whether `?` announced it."""
        if self.text.startswith("?", here) and self.blank_at(here + 1):
            key = self.block_node(here + 1, column, depth + 1, in_sequence=True)
            name = None
            if key.style in {Style.PLAIN, Style.SINGLE, Style.DOUBLE}:
                name = meaning(self.text[key.start : key.end], key.style)
            colon, _ = self.gap(key.end)
            if self.column(colon) != column or not self.text.startswith(":", colon):
                raise self.fail("a key that begins with ? has no value", here)
            return name, colon + 1, True
        colon_place = self.key_end(here)
        if colon_place is None:
            raise self.fail("a key with a colon is missing", here)
        return self.key_text(here, colon_place), colon_place + 1, False

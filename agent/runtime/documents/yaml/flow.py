"""Read what stands in brackets and braces."""

from agent.runtime.documents.yaml.nodes import Node, Style
from agent.runtime.documents.yaml.scalars import (
    BLANKS,
    BREAK,
    may_start_plain,
    meaning,
    plain_line_end,
    quoted_end,
)
from agent.runtime.documents.yaml.scanning import FLOW_MARKS, Scanner


class FlowReader(Scanner):
    """Reads flow collections, JSON among them."""

    def flow_collection(self, place: int, depth: int) -> Node:
        is_sequence = self.text[place] == "["
        closing = "]" if is_sequence else "}"
        node = Node(Style.FLOW, place, place, place, in_flow=True, is_sequence=is_sequence)
        here, _ = self.gap(place + 1, in_flow=True)
        while not self.text.startswith(closing, here):
            if self.at_end(here):
                raise self.fail(f"{closing} is missing", place)
            self.budget.take(depth)
            here = self.flow_entry(node, here, depth + 1)
            here, _ = self.gap(here, in_flow=True)
            if self.text.startswith(",", here):
                here, _ = self.gap(here + 1, in_flow=True)
            elif not self.text.startswith(closing, here):
                raise self.fail(f"a comma or {closing} is missing", here)
        node.end = here + 1
        return node

    def flow_entry(self, parent: Node, here: int, depth: int) -> int:
        """Read an entry into its parent and return the place behind it."""
        if self.text.startswith("?", here) and self.blank_at(here + 1):
            raise self.fail("keys that begin with ? are not supported in braces", here)
        first = self.flow_node(here, here, depth)
        colon, _ = self.gap(first.end, in_flow=True)
        if not self.is_flow_colon(colon, first):
            if parent.is_sequence:
                parent.children.append((str(len(parent.children)), first))
                return first.end
            value = Node(Style.MISSING, first.end, first.end, first.end, in_flow=True, lead=": ")
            parent.children.append((self.flow_key(first), value))
            return first.end
        value = self.flow_node(colon + 1, colon + 1, depth)
        if parent.is_sequence:
            pair = Node(Style.FLOW, first.start, value.end, here, in_flow=True)
            pair.children.append((self.flow_key(first), value))
            parent.children.append((str(len(parent.children)), pair))
        else:
            parent.children.append((self.flow_key(first), value))
        return value.end

    def is_flow_colon(self, place: int, key: Node) -> bool:
        if not self.text.startswith(":", place):
            return False
        follows = self.text[place + 1 : place + 2]
        # Behind a quoted key or a collection no blank is needed, as in JSON.
        is_json_like = key.style in {Style.SINGLE, Style.DOUBLE, Style.FLOW}
        return not follows or follows in BLANKS or follows in FLOW_MARKS or is_json_like

    def flow_key(self, key: Node) -> str | None:
        if key.style in {Style.ALIAS, Style.FLOW}:
            return None
        return meaning(self.text[key.start : key.end], key.style)

    def flow_node(self, place: int, after: int, depth: int) -> Node:
        self.budget.take(depth)
        here, _ = self.gap(place, in_flow=True)
        behind, _ = self.properties(here)
        has_properties = behind != here
        here, _ = self.gap(behind, in_flow=True)
        node = self.flow_content(here, behind if has_properties else after, depth)
        node.has_properties, node.in_flow = has_properties, True
        node.after = behind if has_properties else after
        return node

    def flow_content(self, here: int, after: int, depth: int) -> Node:
        if self.at_end(here):
            raise self.fail("a bracket is not closed", after)
        first = self.text[here]
        if first in "[{":
            return self.flow_collection(here, depth)
        if first in "'\"":
            return Node(Style(first), here, quoted_end(self.text, here), after)
        if first == "*":
            return Node(Style.ALIAS, here, self.alias_end(here), after)
        if first in ",]}" or (first == ":" and not may_start_plain(self.text, here, in_flow=True)):
            return Node(Style.MISSING, after, after, after)
        if not may_start_plain(self.text, here, in_flow=True):
            raise self.fail("a value cannot begin with this character", here)
        return Node(Style.PLAIN, here, self.flow_plain_end(here), after)

    def flow_plain_end(self, place: int) -> int:
        end = plain_line_end(self.text, place, in_flow=True)
        while True:
            here = self.skip_blanks(end)
            if BREAK.match(self.text, here) is None:
                return end
            while (line_break := BREAK.match(self.text, here)) is not None:
                here = self.skip_blanks(line_break.end())
            if self.at_end(here) or self.text[here] == "#":
                return end
            following = plain_line_end(self.text, here, in_flow=True)
            if following == here:
                return end
            end = following

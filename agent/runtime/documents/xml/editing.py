"""Put elements into a document and take them out, in the layout that is there."""

import re

from agent.runtime.documents.xml.names import lookup_namespace, prefix_of
from agent.runtime.documents.xml.nodes import (
    Attribute,
    Child,
    Comment,
    Document,
    Element,
    Text,
    walk,
)

_LAST_LINE = re.compile(r"(?:\r\n|[\r\n])[ \t]*\Z")
_BREAK = re.compile(r"\r\n|\r|\n")


def margin_of(node: Child) -> str:
    """Return the line break and blanks in front of a node that begins a line, else ""."""
    parent = node.parent
    if parent is None:
        return ""
    before = _before(parent, node)
    if not isinstance(before, Text) or before.raw.strip():
        return ""
    found = _LAST_LINE.search(before.raw)
    return found[0] if found else ""


def insert_before(reference: Element, node: Element) -> None:
    """Put a node in front of another one, on a line of its own if the other has one."""
    _insert(reference, [node, Text(margin_of(reference))], 0)


def insert_after(reference: Element, node: Element) -> None:
    """Put a node behind another one, on a line of its own if the other has one."""
    _insert(reference, [Text(margin_of(reference)), node], 1)


def append(parent: Element, node: Element) -> None:
    """Put a node behind the other elements of its parent."""
    if parent.elements:
        insert_after(parent.elements[-1], node)
        return
    margin = margin_of(parent)
    blank = all(isinstance(child, Text) and not child.raw.strip() for child in parent.children)
    if not margin or not blank:
        parent.set_children([*parent.children, node])
        return
    parent.set_children([Text(margin + _unit(parent)), node, Text(margin)])


def remove(node: Element) -> None:
    """Take a node out, with its line if it has one of its own."""
    parent = node.parent
    if parent is None:
        return
    before, after = _before(parent, node), _after(parent, node)
    alone = after is None or (isinstance(after, Text) and _BREAK.match(after.raw.lstrip(" \t")))
    if margin_of(node) and alone and isinstance(before, Text):
        before.raw = _LAST_LINE.sub("", before.raw)
    parent.children.remove(node)
    node.parent = None


def replace(node: Element, other: Element | Comment) -> None:
    """Put another node in a node's place."""
    parent = node.parent
    if parent is None:
        return
    parent.children[parent.children.index(node)] = other
    other.parent, node.parent = parent, None


def copy_into(source: Element, place: Element | Document, margin: str, drop: str) -> Element:
    """Return a copy that is to stand below `place`, its lines moved to the new margin.

    Prefixes keep their meaning. Attributes of the namespace `drop` and its declarations stay out.
    """
    dropped = {
        attribute.name
        for element in _elements(source)
        for attribute in element.attributes
        if (prefix := prefix_of(attribute.name)) and _means(element, attribute, prefix) == drop
    }
    copied = _copied(source, margin_of(source), margin, dropped)
    for prefix in sorted({*_prefixes(copied)}):
        wanted = lookup_namespace(source, prefix) or ""
        here = lookup_namespace(place, prefix) or "" if isinstance(place, Element) else ""
        name = f"xmlns:{prefix}" if prefix else "xmlns"
        if prefix not in {"xml", "xmlns"} and wanted != here and copied.attribute(name) is None:
            copied.set_attribute(name, wanted)
    return copied


def _means(element: Element, attribute: Attribute, prefix: str) -> str | None:
    return attribute.value if prefix == "xmlns" else lookup_namespace(element, prefix)


def _elements(element: Element) -> list[Element]:
    return [element, *(node for node in walk(element) if isinstance(node, Element))]


def _prefixes(element: Element) -> set[str]:
    found: set[str] = set()
    for each in _elements(element):
        found.add(prefix_of(each.name))
        found |= {prefix_of(a.name) for a in each.attributes if prefix_of(a.name)}
    return found


def _copied(node: Element, old: str, new: str, dropped: set[str]) -> Element:
    copied = Element(node.name, gap=node.gap, end_gap=node.end_gap, is_empty=node.is_empty)
    for each in node.attributes:
        if each.name not in dropped:
            attribute = Attribute(each.name, each.raw, each.gap, each.equals, each.quote, copied)
            copied.attributes.append(attribute)
    for child in node.children:
        if isinstance(child, Element):
            inner: Child = _copied(child, old, new, dropped)
        elif isinstance(child, Text):
            inner = Text(_moved(child.raw, old, new))
        else:
            inner = type(child)(**{n: getattr(child, n) for n in child.__slots__ if n != "parent"})
        inner.parent = copied
        copied.children.append(inner)
    return copied


def _moved(raw: str, old: str, new: str) -> str:
    """Move the lines of a blank text from one margin to another."""
    if raw.strip() or not _BREAK.search(raw):
        return raw
    line_break = (_BREAK.match(new) or [""])[0]
    blanks, fresh = old.lstrip("\r\n"), new.lstrip("\r\n")
    lines = _BREAK.split(raw)
    moved = [lines[0], *(fresh + line.removeprefix(blanks) for line in lines[1:])]
    moved[1:-1] = [line.rstrip() for line in moved[1:-1]]
    return (line_break or "\n").join(moved) if new else raw


def _unit(parent: Element) -> str:
    """Return the indent of one level, as the elements around have it."""
    outer = parent.parent
    own = margin_of(parent).lstrip("\r\n")
    above = margin_of(outer).lstrip("\r\n") if isinstance(outer, Element) else ""
    return own.removeprefix(above) or own or "  "


def _insert(reference: Element, nodes: list[Element | Text], offset: int) -> None:
    parent = reference.parent
    if parent is None:
        return
    place = parent.children.index(reference) + offset
    fresh = [node for node in nodes if not isinstance(node, Text) or node.raw]
    for node in fresh:
        node.parent = parent
    parent.children[place:place] = fresh


def _before(parent: Element | Document, node: Child) -> Child | None:
    place = parent.children.index(node)
    return parent.children[place - 1] if place else None


def _after(parent: Element | Document, node: Child) -> Child | None:
    place = parent.children.index(node) + 1
    return parent.children[place] if place < len(parent.children) else None

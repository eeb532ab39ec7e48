"""The nodes of an XML document; each knows the source that it was read from."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Union

from agent.runtime.documents.xml.escapes import decode, encode_attribute

Child = Union["Element", "Text", "CData", "Comment", "Instruction", "Doctype"]
Node = Union["Document", "Element", "Attribute", "Text", "CData", "Comment", "Instruction"]


@dataclass(slots=True, eq=False)
class Text:
    """Character data as written, references and all."""

    raw: str
    parent: "Element | Document | None" = None

    @property
    def source(self) -> str:
        return self.raw

    @property
    def value(self) -> str:
        return decode(self.raw)


@dataclass(slots=True, eq=False)
class CData:
    """A CDATA section."""

    data: str
    parent: "Element | Document | None" = None

    @property
    def source(self) -> str:
        return f"<![CDATA[{self.data}]]>"

    @property
    def value(self) -> str:
        return self.data


@dataclass(slots=True, eq=False)
class Comment:
    """A comment."""

    data: str
    parent: "Element | Document | None" = None

    @property
    def source(self) -> str:
        return f"<!--{self.data}-->"

    @property
    def value(self) -> str:
        return self.data


@dataclass(slots=True, eq=False)
class Instruction:
    """A processing instruction; the XML declaration is one whose target is `xml`."""

    target: str
    gap: str
    data: str
    parent: "Element | Document | None" = None

    @property
    def source(self) -> str:
        return f"<?{self.target}{self.gap}{self.data}?>"

    @property
    def value(self) -> str:
        return self.data


@dataclass(slots=True, eq=False)
class Doctype:
    """A document type declaration: kept, and nothing of it is ever followed."""

    source: str
    parent: "Element | Document | None" = None


@dataclass(slots=True, eq=False)
class Attribute:
    """An attribute; `gap` is the space before it, `equals` the sign with the space around it."""

    name: str
    raw: str
    gap: str = " "
    equals: str = "="
    quote: str = '"'
    parent: "Element | None" = None

    @property
    def source(self) -> str:
        return f"{self.gap}{self.name}{self.equals}{self.quote}{self.raw}{self.quote}"

    @property
    def value(self) -> str:
        return decode(self.raw)

    def set(self, value: str) -> None:
        self.raw = encode_attribute(value, self.quote)


@dataclass(slots=True, eq=False)
class Element:
    """An element; `gap` stands before the end of its first tag, `end_gap` of its last one."""

    name: str
    attributes: list[Attribute] = field(default_factory=list)
    children: list[Child] = field(default_factory=list)
    gap: str = ""
    end_gap: str = ""
    is_empty: bool = False
    parent: "Element | Document | None" = None

    @property
    def source(self) -> str:
        parts: list[str] = []
        _write(self, parts)
        return "".join(parts)

    @property
    def value(self) -> str:
        return "".join(node.value for node in texts(self))

    @property
    def elements(self) -> list["Element"]:
        return [child for child in self.children if isinstance(child, Element)]

    def attribute(self, name: str) -> Attribute | None:
        """Return the attribute of this name as it is written, prefix included."""
        return next((each for each in self.attributes if each.name == name), None)

    def set_attribute(self, name: str, value: str) -> None:
        """Set the attribute, adding it behind the others."""
        found = self.attribute(name)
        if found is None:
            found = Attribute(name, "", parent=self)
            self.attributes.append(found)
        found.set(value)

    def set_children(self, children: list[Child]) -> None:
        """Replace the content."""
        for child in children:
            child.parent = self
        self.children = children
        if children:
            self.open_up()

    def open_up(self) -> None:
        """Give an element that closes itself an end tag."""
        if self.is_empty:
            self.is_empty, self.gap = False, ""


@dataclass(slots=True, eq=False)
class Document:
    """A document; its children are the declaration, comments, spaces and the root."""

    children: list[Child] = field(default_factory=list)
    parent: None = None

    @property
    def source(self) -> str:
        return "".join(child.source for child in self.children)

    @property
    def value(self) -> str:
        return self.root.value if self.root else ""

    @property
    def root(self) -> Element | None:
        return next((child for child in self.children if isinstance(child, Element)), None)

    @property
    def declaration(self) -> Instruction | None:
        first = self.children[0] if self.children else None
        return first if isinstance(first, Instruction) and first.target == "xml" else None


def walk(node: Document | Element) -> Iterator[Child]:
    """Yield everything below, in document order."""
    waiting = list(reversed(node.children))
    while waiting:
        current = waiting.pop()
        yield current
        if isinstance(current, Element):
            waiting.extend(reversed(current.children))


def texts(node: Document | Element) -> Iterator[Text | CData]:
    """Yield the character data below, in document order."""
    return (each for each in walk(node) if isinstance(each, Text | CData))


def _write(element: Element, parts: list[str]) -> None:
    """Add an element's source; a stack of its own, so that depth costs no recursion."""
    waiting: list[Child | str] = [element]
    while waiting:
        current = waiting.pop()
        if isinstance(current, str):
            parts.append(current)
        elif not isinstance(current, Element):
            parts.append(current.source)
        else:
            attributes = "".join(attribute.source for attribute in current.attributes)
            start = f"<{current.name}{attributes}{current.gap}"
            if current.is_empty and not current.children:
                parts.append(f"{start}/>")
                continue
            parts.append(f"{start}>")
            waiting.append(f"</{current.name}{current.end_gap}>")
            waiting.extend(reversed(current.children))

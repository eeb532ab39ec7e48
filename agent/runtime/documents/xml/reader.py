"""Read XML into nodes whose source, joined again, is the text that was read."""

import re

from agent.runtime.documents.common import BrokenDocument, Budget, check_size
from agent.runtime.documents.xml.doctype import doctype_end
from agent.runtime.documents.xml.names import lookup_namespace, prefix_of
from agent.runtime.documents.xml.nodes import (
    Attribute,
    CData,
    Child,
    Comment,
    Doctype,
    Document,
    Element,
    Instruction,
    Text,
)

_NAME = r"[^\W\d][\w.\-·]*(?::[^\W\d][\w.\-·]*)?"
_START = re.compile(rf"<({_NAME})")
_END = re.compile(rf"</({_NAME})([ \t\r\n]*)>")
_ATTRIBUTE = re.compile(
    rf"([ \t\r\n]+)({_NAME})([ \t\r\n]*=[ \t\r\n]*)(?:\"([^<\"]*)\"|'([^<']*)')"
)
_TAG_END = re.compile(r"([ \t\r\n]*)(/?)>")
_INSTRUCTION = re.compile(rf"<\?({_NAME})(?:([ \t\r\n]+)(.*?))?\?>", re.DOTALL)
_BAD_REFERENCE = re.compile(rf"&(?!(?:#[0-9]+|#x[0-9a-fA-F]+|{_NAME});)")
_BAD_CHARACTER = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_BLANK = " \t\r\n"
_MAX_ATTRIBUTES = 1000


def read_xml(text: str) -> Document:
    """Return the document; raise BrokenDocument for what is not well formed."""
    check_size(text)
    if bad := _BAD_CHARACTER.search(text):
        raise BrokenDocument("it has a character that XML forbids", text, bad.start())
    reader = _Reader(text)
    document = Document()
    reader.read(document)
    if document.root is None:
        raise BrokenDocument("it has no element", text, len(text))
    return document


def read_fragment(text: str, around: Element) -> list[Child]:
    """Return the nodes of a piece of XML that is to stand inside `around`.

    Prefixes mean what they mean there. Raise BrokenDocument.
    """
    check_size(text)
    if bad := _BAD_CHARACTER.search(text):
        raise BrokenDocument("it has a character that XML forbids", text, bad.start())
    holder = Element(around.name, parent=around)
    _Reader(text).read(holder)
    for child in holder.children:
        child.parent = around
    return holder.children


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0
        self.budget = Budget()

    def read(self, holder: Document | Element) -> None:
        """Read everything into the holder."""
        self.holder = holder
        self.open: list[tuple[Element, int]] = []
        while self.place < len(self.text):
            if self.text[self.place] != "<":
                self.character_data()
            elif self.text.startswith("</", self.place):
                self.end_tag()
            elif self.text.startswith("<!", self.place):
                self.declaration()
            elif self.text.startswith("<?", self.place):
                self.instruction()
            else:
                self.start_tag()
        if self.open:
            element, place = self.open[-1]
            raise BrokenDocument(f"the element {element.name} is not closed", self.text, place)

    @property
    def inner(self) -> Document | Element:
        return self.open[-1][0] if self.open else self.holder

    def fail(self, message: str, place: int | None = None) -> BrokenDocument:
        return BrokenDocument(message, self.text, self.place if place is None else place)

    def add(self, child: Child, end: int) -> None:
        self.budget.take(len(self.open))
        child.parent = self.inner
        self.inner.children.append(child)
        self.place = end

    def character_data(self) -> None:
        end = self.text.find("<", self.place)
        end = len(self.text) if end < 0 else end
        raw = self.text[self.place : end]
        if isinstance(self.inner, Document) and raw.strip(_BLANK):
            offset = len(raw) - len(raw.lstrip(_BLANK))
            raise self.fail("there is text outside of the root element", self.place + offset)
        self.check_references(self.place, end)
        self.add(Text(raw), end)

    def check_references(self, start: int, end: int) -> None:
        if bad := _BAD_REFERENCE.search(self.text, start, end):
            raise self.fail("an & must be written &amp;", bad.start())

    def closing(self, mark: str, start: int, what: str) -> int:
        end = self.text.find(mark, start)
        if end < 0:
            raise self.fail(f"{what} is not closed")
        return end

    def declaration(self) -> None:
        if self.text.startswith("<!--", self.place):
            start = self.place + 4
            end = self.closing("-->", start, "a comment")
            self.add(Comment(self.text[start:end]), end + 3)
        elif self.text.startswith("<![CDATA[", self.place):
            if isinstance(self.inner, Document):
                raise self.fail("there is text outside of the root element")
            start = self.place + 9
            end = self.closing("]]>", start, "a CDATA section")
            self.add(CData(self.text[start:end]), end + 3)
        elif self.text.startswith("<!DOCTYPE", self.place):
            self.doctype()
        else:
            raise self.fail("this declaration is not known")

    def doctype(self) -> None:
        if not isinstance(self.inner, Document) or self.inner.root is not None:
            raise self.fail("a document type must stand before the root element")
        end = doctype_end(self.text, self.place)
        if end < 0:
            raise self.fail("the document type is not closed")
        self.add(Doctype(self.text[self.place : end]), end)

    def instruction(self) -> None:
        match = _INSTRUCTION.match(self.text, self.place)
        if match is None:
            raise self.fail("a processing instruction is not closed")
        if match[1].lower() == "xml" and (self.place or not isinstance(self.holder, Document)):
            raise self.fail("the XML declaration must come first")
        self.add(Instruction(match[1], match[2] or "", match[3] or ""), match.end())

    def start_tag(self) -> None:
        match = _START.match(self.text, self.place)
        if match is None:
            raise self.fail("a < must be written &lt;")
        if isinstance(self.inner, Document) and self.inner.root is not None:
            raise self.fail("there is more than one root element")
        start, element = self.place, Element(match[1])
        here = self.attributes(element, match.end())
        end = _TAG_END.match(self.text, here)
        if end is None:
            raise self.fail(f"the tag {element.name} is broken", here)
        element.gap, element.is_empty = end[1], bool(end[2])
        self.add(element, end.end())
        self.check_prefixes(element, start)
        if not element.is_empty:
            self.open.append((element, start))

    def attributes(self, element: Element, here: int) -> int:
        names: set[str] = set()
        while match := _ATTRIBUTE.match(self.text, here):
            gap, name, equals, double, single = match.groups()
            if name in names or len(names) > _MAX_ATTRIBUTES:
                raise self.fail(f"the attribute {name} is there twice or one too many", here)
            names.add(name)
            is_double = double is not None
            start = match.start(4 if is_double else 5)
            self.check_references(start, match.end() - 1)
            raw, quote = (double, '"') if is_double else (single, "'")
            element.attributes.append(Attribute(name, raw, gap, equals, quote, element))
            here = match.end()
        return here

    def check_prefixes(self, element: Element, start: int) -> None:
        for name in (element.name, *(attribute.name for attribute in element.attributes)):
            prefix = prefix_of(name)
            if prefix not in {"", "xmlns"} and lookup_namespace(element, prefix) is None:
                raise self.fail(f"the prefix {prefix} is not declared", start)

    def end_tag(self) -> None:
        match = _END.match(self.text, self.place)
        if match is None or not self.open:
            raise self.fail("this end tag closes nothing")
        element, _ = self.open[-1]
        if match[1] != element.name:
            raise self.fail(f"{match[1]} is closed where {element.name} is open")
        element.end_gap = match[2]
        self.open.pop()
        self.place = match.end()

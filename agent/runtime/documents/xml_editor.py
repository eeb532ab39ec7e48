"""Put variables into XML documents by XPath."""

from collections.abc import Mapping

from agent.runtime.documents.common import BadValue, BrokenDocument, Outcome, newline_of
from agent.runtime.documents.xml.escapes import allowed, encode_text, warning_of
from agent.runtime.documents.xml.nodes import (
    Attribute,
    CData,
    Child,
    Comment,
    Document,
    Element,
    Instruction,
    Node,
    Text,
    walk,
)
from agent.runtime.documents.xml.reader import read_fragment, read_xml
from agent.runtime.documents.xml.xpath import TooMuchWork, Work, XPath
from agent.runtime.documents.xml.xpath_tokens import BadXPath


def replace_in_xml(text: str, values: Mapping[str, str]) -> Outcome:
    """Set what the variables' names find as XPath; only names with `/` or `:` are tried.

    Prefixes are those that the document declares. Names that are no XPath are left alone. Raise
    BrokenDocument for a text that is no XML, BadValue when the paths ask for too much.
    """
    document = read_xml(text)
    outcome = Outcome(text)
    namespaces = _prefixes(document, outcome)
    work = Work()
    newline = newline_of(text)
    for name in values:
        if "/" not in name and ":" not in name:
            continue
        try:
            nodes = XPath(name, namespaces).select(document, work)
        except BadXPath:
            continue
        except TooMuchWork as error:
            raise BadValue(f"{error}; the last one was {name}") from error
        value = allowed(values[name])
        done = [_set(node, name, value, newline, outcome) for node in nodes]
        if any(done):
            outcome.replaced.append(name)
            outcome.warnings += warning_of(name, values[name])
    outcome.text = document.source
    return outcome


def _prefixes(document: Document, outcome: Outcome) -> dict[str, str]:
    """Return the prefixes of the whole document; of two meanings the first counts."""
    found: dict[str, str] = {}
    for node in walk(document):
        for attribute in node.attributes if isinstance(node, Element) else ():
            prefix = attribute.name.removeprefix("xmlns:")
            if prefix == attribute.name:
                continue
            if found.setdefault(prefix, attribute.value) != attribute.value:
                outcome.warnings.append(
                    f"The prefix {prefix} has several meanings in this file; in names of "
                    f"variables it means {found[prefix]}."
                )
    return found


def _set(node: Node, name: str, value: str, newline: str, outcome: Outcome) -> bool:
    match node:
        case Element():
            return _set_element(node, name, value, newline, outcome)
        case Attribute():
            node.set(value)
        case Text():
            node.raw = encode_text(value, newline)
        case CData():
            node.data = value.replace("]]>", "]]]]><![CDATA[>")
        case Comment() | Instruction():
            if (
                ("--" in value or value.endswith("-"))
                if isinstance(node, Comment)
                else ("?>" in value)
            ):
                outcome.warnings.append(f"The value of {name} cannot stand where it belongs.")
                return False
            node.data = value
        case Document():
            return False
    return True


def _set_element(element: Element, name: str, value: str, newline: str, outcome: Outcome) -> bool:
    meant = [child for child in element.children if not _is_blank(child)]
    only = meant[0] if len(meant) == 1 else None
    if isinstance(only, CData):
        return _set(only, name, value, newline, outcome)
    if not element.elements:
        element.set_children([Text(encode_text(value, newline))] if value else [])
        return True
    try:
        element.set_children(read_fragment(value, element))
    except BrokenDocument as error:
        outcome.warnings.append(
            f"The value of {name} was not put in, as it must be XML here: {error}."
        )
        return False
    return True


def _is_blank(child: Child) -> bool:
    return isinstance(child, Text) and not child.raw.strip()

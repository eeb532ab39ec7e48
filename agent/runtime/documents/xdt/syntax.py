"""What the attributes of a transform file say."""

import re
from dataclasses import dataclass

from agent.runtime.documents.xml.names import lookup_namespace, namespace_of, prefix_of
from agent.runtime.documents.xml.nodes import Attribute, Element

NAMESPACE = "http://schemas.microsoft.com/XML-Document-Transform"
_CALL = re.compile(r"\s*(\w+)\s*(?:\((.*)\))?\s*\Z", re.DOTALL)


class BadTransform(Exception):
    """The transform file asks for what cannot be done; nothing is written."""


@dataclass(frozen=True, slots=True)
class Call:
    """A name with what stands in its brackets; `arguments` None means no brackets."""

    name: str
    arguments: str | None = None

    @property
    def names(self) -> list[str]:
        """Return the arguments as a list of names."""
        return [part.strip() for part in (self.arguments or "").split(",") if part.strip()]


def call_of(element: Element, name: str) -> Call | None:
    """Return what `xdt:<name>` of an element says, None if it has none."""
    for attribute in element.attributes:
        if is_xdt(element, attribute) and attribute.name.endswith(f":{name}"):
            found = _CALL.match(attribute.value)
            if found is None:
                raise BadTransform(f"the {name} of {element.name} is not understood")
            return Call(found[1], found[2])
    return None


def is_quiet(element: Element) -> bool:
    """Tell whether warnings about the element are not wanted."""
    calls = (call_of(element, name) for name in ("SupressWarnings", "SuppressWarnings"))
    return any(call is not None and call.name.lower() == "true" for call in calls)


def is_xdt(element: Element, attribute: Attribute) -> bool:
    """Tell whether an attribute belongs to the transform and not to the document."""
    prefix = prefix_of(attribute.name)
    if prefix == "xmlns":
        return attribute.value == NAMESPACE
    return bool(prefix) and lookup_namespace(element, prefix) == NAMESPACE


def own_attributes(element: Element) -> list[Attribute]:
    """Return the attributes that are meant for the document."""
    return [
        attribute
        for attribute in element.attributes
        if not is_xdt(element, attribute)
        and attribute.name != "xmlns"
        and prefix_of(attribute.name) != "xmlns"
    ]


def same_name(element: Element, other: Element) -> bool:
    """Tell whether two elements have one name in one namespace."""
    own, theirs = element.name.rpartition(":")[2], other.name.rpartition(":")[2]
    return own == theirs and namespace_of(element) == namespace_of(other)

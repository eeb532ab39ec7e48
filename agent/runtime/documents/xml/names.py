"""Names of elements and attributes, and the namespaces that they belong to."""

from agent.runtime.documents.xml.nodes import Attribute, Document, Element

XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace"


def local_name(name: str) -> str:
    """Return a name without its prefix."""
    return name.rpartition(":")[2]


def prefix_of(name: str) -> str:
    """Return the prefix of a name, "" for none."""
    return name.rpartition(":")[0]


def namespace_of(node: Element | Attribute) -> str:
    """Return the namespace of an element or attribute, "" for none."""
    prefix = prefix_of(node.name)
    if isinstance(node, Element):
        return lookup_namespace(node, prefix) or ""
    if not prefix or node.parent is None:
        return ""
    return lookup_namespace(node.parent, prefix) or ""


def lookup_namespace(element: Element, prefix: str) -> str | None:
    """Return what a prefix, "" for the default, means at an element; None if nothing."""
    if prefix == "xml":
        return XML_NAMESPACE
    wanted = f"xmlns:{prefix}" if prefix else "xmlns"
    current: Element | Document | None = element
    while isinstance(current, Element):
        found = current.attribute(wanted)
        if found is not None:
            return found.value
        current = current.parent
    return None

"""Apply a transform file to a document."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from agent.runtime.documents.common import newline_of
from agent.runtime.documents.xdt.locating import Locator
from agent.runtime.documents.xdt.syntax import (
    NAMESPACE,
    BadTransform,
    Call,
    call_of,
    is_quiet,
    own_attributes,
)
from agent.runtime.documents.xml import editing
from agent.runtime.documents.xml.names import prefix_of
from agent.runtime.documents.xml.nodes import Comment, Document, Element, walk
from agent.runtime.documents.xml.reader import read_xml

_REFUSED = {"Import", "SetTokenizedAttributes"}


@dataclass(slots=True)
class Result:
    """The transformed text, what was done, and what looked wrong."""

    text: str
    done: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    has_root: bool = True


def transform_xml(text: str, transform: str) -> Result:
    """Apply a transform to a document, element by element in their order.

    What no transform touches stays as it is. No file is imported and no entity followed. Raise
    BrokenDocument for text that is no XML, BadTransform for what cannot be done.
    """
    document, instructions = read_xml(text), read_xml(transform)
    result = Result(text)
    namespaces = {
        attribute.name.removeprefix("xmlns:"): attribute.value
        for node in walk(instructions)
        if isinstance(node, Element)
        for attribute in node.attributes
        if prefix_of(attribute.name) == "xmlns"
    }
    engine = _Engine(document, Locator(document, namespaces), newline_of(text), result)
    if instructions.root is not None:
        engine.walk([instructions.root])
    result.text = document.source
    result.has_root = document.root is not None
    return result


class _Engine:
    def __init__(self, document: Document, locator: Locator, newline: str, result: Result) -> None:
        self.document = document
        self.locator = locator
        self.newline = newline
        self.result = result

    def walk(self, path: list[Element]) -> None:
        element = path[-1]
        call = call_of(element, "Transform")
        if call is not None:
            self.apply(call, path)
        for child in element.elements:
            self.walk([*path, child])

    def apply(self, call: Call, path: list[Element]) -> None:
        if call.name in _REFUSED:
            raise BadTransform(f"the transform {call.name} is not supported")
        action = _ACTIONS.get(call.name)
        if action is None:
            raise BadTransform(f"the transform {call.name} is not known")
        if call.arguments is not None and call.name not in _WITH_ARGUMENTS:
            self.warn(path, f"{call.name} takes no arguments")
        action(self, call, path)

    def warn(self, path: list[Element], message: str) -> None:
        if not any(is_quiet(element) for element in path):
            self.result.warnings.append(f"{_shown(path)}: {message}")

    def note(self, path: list[Element], what: str) -> None:
        self.result.done.append(f"{what} {_shown(path)}")

    def found(self, path: list[Element]) -> list[Element]:
        elements = self.locator.find(path)
        if not elements:
            self.warn(path, "no element of the file matches")
        return elements

    def first(self, path: list[Element]) -> Element | None:
        elements = self.found(path)
        if len(elements) > 1:
            self.warn(path, f"{len(elements)} elements match; only the first is changed")
        return elements[0] if elements else None

    def copy(self, element: Element, place: Element | Document, margin: str) -> Element:
        return editing.copy_into(element, place, margin or self.newline, NAMESPACE)

    # The transforms

    def replace(self, _call: Call, path: list[Element]) -> None:
        target = self.first(path)
        if target is not None and target.parent is not None:
            fresh = self.copy(path[-1], target.parent, editing.margin_of(target))
            editing.replace(target, fresh)
            self.note(path, "Replaced")

    def remove(self, _call: Call, path: list[Element]) -> None:
        target = self.first(path)
        if target is not None:
            editing.remove(target)
            self.note(path, "Removed")

    def remove_all(self, _call: Call, path: list[Element]) -> None:
        for target in self.found(path):
            editing.remove(target)
            self.note(path, "Removed")

    def insert(self, _call: Call, path: list[Element]) -> None:
        parents = self.locator.find(path[:-1])
        if not parents:
            raise BadTransform(f"{_shown(path)} cannot be inserted: its parent is missing")
        parent = parents[0]
        margin = editing.margin_of(parent.elements[-1]) if parent.elements else ""
        margin = margin or editing.margin_of(parent)
        editing.append(parent, self.copy(path[-1], parent, margin))
        self.note(path, "Inserted")

    def insert_if_missing(self, call: Call, path: list[Element]) -> None:
        if not self.locator.find(path):
            self.insert(call, path)

    def insert_beside(self, call: Call, path: list[Element]) -> None:
        if not (call.arguments or "").strip():
            raise BadTransform(f"{call.name} of {_shown(path)} needs an XPath")
        siblings = self.locator.select(call.arguments or "", self.locator.find(path[:-1]))
        if not siblings or not isinstance(siblings[0].parent, Element):
            raise BadTransform(f"{call.name} of {_shown(path)}: nothing matches {call.arguments}")
        sibling, parent = siblings[0], siblings[0].parent
        fresh = self.copy(path[-1], parent, editing.margin_of(sibling))
        put = editing.insert_before if call.name == "InsertBefore" else editing.insert_after
        put(sibling, fresh)
        self.note(path, "Inserted")

    def set_attributes(self, call: Call, path: list[Element]) -> None:
        wanted = {attribute.name: attribute.value for attribute in own_attributes(path[-1])}
        names = call.names if call.arguments is not None else list(wanted)
        for name in names:
            if name not in wanted:
                self.warn(path, f"SetAttributes names {name}, which the transform does not have")
        for target in self.found(path):
            for name in names:
                if name in wanted:
                    target.set_attribute(name, wanted[name])
            self.note(path, "Set attributes of")

    def remove_attributes(self, call: Call, path: list[Element]) -> None:
        for target in self.found(path):
            own = [attribute.name for attribute in own_attributes(target)]
            names = call.names if call.arguments is not None else own
            for name in names:
                if name not in own:
                    self.warn(path, f"RemoveAttributes names {name}, which the element has not")
            target.attributes = [each for each in target.attributes if each.name not in names]
            self.note(path, "Removed attributes of")

    def comment_out(self, _call: Call, path: list[Element]) -> None:
        target = self.first(path)
        if target is None:
            return
        if target.parent is self.document:
            raise BadTransform("the root element cannot be commented out")
        if "--" in target.source:
            raise BadTransform(f"{_shown(path)} cannot be commented out: it has two dashes")
        editing.replace(target, Comment(target.source))
        self.note(path, "Commented out")


_ACTIONS: Mapping[str, Callable[[_Engine, Call, list[Element]], None]] = {
    "Replace": _Engine.replace,
    "Remove": _Engine.remove,
    "RemoveAll": _Engine.remove_all,
    "Insert": _Engine.insert,
    "InsertIfMissing": _Engine.insert_if_missing,
    "InsertBefore": _Engine.insert_beside,
    "InsertAfter": _Engine.insert_beside,
    "SetAttributes": _Engine.set_attributes,
    "RemoveAttributes": _Engine.remove_attributes,
    "CommentOut": _Engine.comment_out,
}
_WITH_ARGUMENTS = {"InsertBefore", "InsertAfter", "SetAttributes", "RemoveAttributes"}


def _shown(path: list[Element]) -> str:
    return "/" + "/".join(element.name for element in path)

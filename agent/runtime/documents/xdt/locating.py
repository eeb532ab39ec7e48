"""Find the elements that an element of a transform file is about."""

from collections.abc import Sequence

from agent.runtime.documents.xdt.syntax import BadTransform, Call, call_of, same_name
from agent.runtime.documents.xml.nodes import Document, Element, Node
from agent.runtime.documents.xml.xpath import TooMuchWork, Work, XPath
from agent.runtime.documents.xml.xpath_tokens import BadXPath


class Locator:
    """Finds elements of one document; the work of all searches together is bounded."""

    def __init__(self, document: Document, namespaces: dict[str, str]) -> None:
        self._document = document
        self._namespaces = namespaces
        self._work = Work()

    def find(self, path: Sequence[Element]) -> list[Element]:
        """Return what the last of nested transform elements means; raise BadTransform.

        Every element of the path narrows the search by its name and its locator.
        """
        nodes: list[Node] = [self._document]
        for step in path:
            nodes = self._step(step, nodes)
        return [node for node in nodes if isinstance(node, Element)]

    def select(self, text: str, nodes: Sequence[Node]) -> list[Element]:
        """Return the elements that an XPath finds from the nodes; raise BadTransform."""
        expression = self._compiled(text)
        found: dict[int, Element] = {}
        try:
            starts = [self._document] if text.lstrip().startswith("/") else nodes
            for node in starts:
                for each in expression.select(node, self._work):
                    if isinstance(each, Element):
                        found[id(each)] = each
        except (BadXPath, TooMuchWork) as error:
            raise BadTransform(f"the XPath {text}: {error}") from error
        return list(found.values())

    def _step(self, step: Element, nodes: list[Node]) -> list[Node]:
        locator = call_of(step, "Locator")
        if locator is not None and locator.name == "XPath":
            return list(self.select(locator.arguments or "", nodes))
        found: list[Node] = []
        for node in nodes:
            elements = _elements(node)
            self._count(step, len(elements))
            named = [each for each in elements if same_name(step, each)]
            found += self._narrowed(step, locator, named)
        return found

    def _count(self, step: Element, looks: int) -> None:
        try:
            self._work.take(looks)
        except TooMuchWork as error:
            raise BadTransform(
                f"finding {step.name} and what was before it takes too long"
            ) from error

    def _narrowed(self, step: Element, locator: Call | None, named: list[Element]) -> list[Element]:
        if locator is None:
            return named
        if locator.name == "Match":
            return [each for each in named if _matches(step, locator, each)]
        if locator.name == "Condition":
            expression = self._compiled(locator.arguments or "")
            try:
                kept = expression.filtered(named, self._work)
            except (BadXPath, TooMuchWork) as error:
                raise BadTransform(f"the condition {locator.arguments}: {error}") from error
            return [each for each in kept if isinstance(each, Element)]
        raise BadTransform(f"the locator {locator.name} is not known")

    def _compiled(self, text: str) -> XPath:
        try:
            return XPath(text, self._namespaces)
        except BadXPath as error:
            raise BadTransform(f"the XPath {text or 'that is missing'}: {error}") from error


def _elements(node: Node) -> list[Element]:
    if isinstance(node, Document):
        return [node.root] if node.root else []
    return node.elements if isinstance(node, Element) else []


def _matches(step: Element, locator: Call, element: Element) -> bool:
    if not locator.names:
        raise BadTransform("the locator Match names no attribute")
    for name in locator.names:
        wanted, found = step.attribute(name), element.attribute(name)
        if wanted is None:
            raise BadTransform(f"{step.name} has no attribute {name} to match by")
        if found is None or found.value != wanted.value:
            return False
    return True

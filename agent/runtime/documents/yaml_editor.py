"""Put variables into YAML documents."""

from collections.abc import Iterator, Mapping

from agent.runtime.documents.common import (
    BadValue,
    BrokenDocument,
    Edit,
    Outcome,
    apply_edits,
    is_reserved,
)
from agent.runtime.documents.yaml.nodes import Node
from agent.runtime.documents.yaml.reader import read_yaml
from agent.runtime.documents.yaml.writer import Unfit, Writer


def replace_in_yaml(text: str, values: Mapping[str, str]) -> Outcome:
    """Set the values whose path, keys joined by `:`, is a variable's name in any case.

    All documents of the stream are searched. A scalar becomes the text of the variable in the
    style that it had; in place of a mapping or sequence the variable is YAML itself. Raise
    BrokenDocument for a text that is no YAML, BadValue for a variable that cannot be put in.
    """
    return _replace_in(text, read_yaml(text), values)


def replace_in_guessed_yaml(text: str, values: Mapping[str, str]) -> Outcome:
    """Do the same for a text that may be something else: almost any text is a YAML scalar."""
    roots = read_yaml(text)
    if not any(root.is_collection for root in roots):
        raise BrokenDocument("it has neither mappings nor sequences")
    return _replace_in(text, roots, values)


def _replace_in(text: str, roots: list[Node], values: Mapping[str, str]) -> Outcome:
    outcome = Outcome(text)
    by_key = {name.lower(): name for name in values if not is_reserved(name)}
    writer = Writer(text)
    edits: list[Edit] = []
    for root in roots:
        for path, node in _places(root, ""):
            name = by_key.get(path.lower())
            if name is None:
                continue
            try:
                edits.append(writer.edit(node, values[name]))
            except Unfit as error:
                raise BadValue(f"The value of {name} cannot be put in: {error}") from error
            if name not in outcome.replaced:
                outcome.replaced.append(name)
    outcome.text = apply_edits(text, edits)
    return outcome


def _places(node: Node, prefix: str) -> Iterator[tuple[str, Node]]:
    """Yield each node below with its path; what stands under a key that is no text has none."""
    for name, child in node.children:
        if name is not None:
            path = f"{prefix}:{name}" if prefix else name
            yield path, child
            yield from _places(child, path)

"""Put variables into the settings of .NET configuration files."""

from collections.abc import Mapping
from typing import NamedTuple

from agent.runtime.documents.common import Outcome, newline_of
from agent.runtime.documents.xml import editing
from agent.runtime.documents.xml.escapes import encode_text, warning_of
from agent.runtime.documents.xml.names import local_name
from agent.runtime.documents.xml.nodes import Document, Element, Text, walk
from agent.runtime.documents.xml.reader import read_xml


class _Rule(NamedTuple):
    section: str
    element: str
    key: str
    attribute: str


_RULES = (
    _Rule("appSettings", "add", "key", "value"),
    _Rule("connectionStrings", "add", "name", "connectionString"),
)


def replace_in_config(text: str, values: Mapping[str, str]) -> Outcome:
    """Set what has a variable's name, in any case, in the sections that .NET knows.

    `appSettings/add` and `connectionStrings/add` by key and name, and the `value` of each
    `applicationSettings//setting`; a missing attribute or value is added. Raise BrokenDocument.
    """
    document = read_xml(text)
    outcome = Outcome(text)
    by_key = {name.lower(): name for name in values}
    newline = newline_of(text)
    for node in list(walk(document)):
        if not isinstance(node, Element):
            continue
        for rule in _RULES:
            name = by_key.get(_key(node, rule))
            if name is not None:
                node.set_attribute(rule.attribute, values[name])
                _note(outcome, name)
        if local_name(node.name) == "setting" and _is_below(node, "applicationSettings"):
            key = node.attribute("name")
            name = by_key.get(key.value.lower()) if key else None
            if name is not None:
                _set_value(node, values[name], newline)
                _note(outcome, name)
    if outcome.replaced:
        outcome.text = document.source
    outcome.warnings = [
        text for name in outcome.replaced for text in warning_of(name, values[name])
    ]
    return outcome


def _key(node: Element, rule: _Rule) -> str:
    parent = node.parent
    if local_name(node.name) != rule.element or not isinstance(parent, Element):
        return ""
    key = node.attribute(rule.key) if local_name(parent.name) == rule.section else None
    return key.value.lower() if key else ""


def _is_below(node: Element, name: str) -> bool:
    current: Element | Document | None = node.parent
    while isinstance(current, Element):
        if local_name(current.name) == name:
            return True
        current = current.parent
    return False


def _set_value(setting: Element, value: str, newline: str) -> None:
    found = next((each for each in setting.elements if local_name(each.name) == "value"), None)
    if found is None:
        found = Element("value")
        editing.append(setting, found)
    found.set_children([Text(encode_text(value, newline))] if value else [])


def _note(outcome: Outcome, name: str) -> None:
    if name not in outcome.replaced:
        outcome.replaced.append(name)

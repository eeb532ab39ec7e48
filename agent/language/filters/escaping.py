"""Filters that make text safe inside markup and configuration files."""

from __future__ import annotations

import re

from agent.language.environment import Call, Filter

_FIRST_ESCAPED_IN_PROPERTIES = 0xFF
_PRINTABLE = range(0x20, 0x7F)
_BEYOND_BASIC_PLANE = 0xFFFF

_XML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"})
_HTML = {**_XML, ord("/"): "&#x2F;"}
_JSON = str.maketrans({'"': '\\"', "\\": "\\\\", "\r": "\\r", "\n": "\\n", "\t": "\\t"})
_PROPERTIES = {"\\": "\\\\", "\r": "\\r", "\n": "\\n", "\t": "\\t"}
_PROPERTIES_KEY = {**_PROPERTIES, " ": "\\ ", ":": "\\:", "=": "\\="}
_NEWLINES = re.compile(r"(?:\r?\n)+")


def _html(call: Call) -> str:
    return call.text.translate(_HTML)


def _xml(call: Call) -> str:
    return call.text.translate(_XML)


def _json(call: Call) -> str:
    return call.text.translate(_JSON)


def _yaml_single_quoted(call: Call) -> str:
    def lengthen(run: re.Match[str]) -> str:
        return ("\r\n" if run.group().startswith("\r") else "\n") + run.group()

    return _NEWLINES.sub(lengthen, call.text).replace("'", "''")


def _yaml_double_quoted(call: Call) -> str:
    escaped = call.text.translate(_JSON)
    if escaped.isascii() and escaped.isprintable():
        return escaped
    return "".join(char if ord(char) in _PRINTABLE else _unicode(char) for char in escaped)


def _properties_key(call: Call) -> str:
    return "".join(_PROPERTIES_KEY.get(char) or _properties_char(char) for char in call.text)


def _properties_value(call: Call) -> str:
    escaped = "".join(_PROPERTIES.get(char) or _properties_char(char) for char in call.text)
    return f"\\{escaped}" if escaped.startswith(" ") else escaped


def _properties_char(char: str) -> str:
    return _unicode(char) if ord(char) >= _FIRST_ESCAPED_IN_PROPERTIES else char


def _unicode(char: str) -> str:
    """Escape a character as one or two units of UTF-16."""
    code = ord(char)
    if code <= _BEYOND_BASIC_PLANE:
        return f"\\u{code:04x}"
    units = char.encode("utf-16-be")
    return f"\\u{units[:2].hex()}\\u{units[2:].hex()}"


FILTERS = {
    "htmlescape": Filter(_html),
    "xmlescape": Filter(_xml),
    "jsonescape": Filter(_json),
    "yamlsinglequoteescape": Filter(_yaml_single_quoted),
    "yamldoublequoteescape": Filter(_yaml_double_quoted),
    "propertieskeyescape": Filter(_properties_key),
    "propertiesvalueescape": Filter(_properties_value),
}

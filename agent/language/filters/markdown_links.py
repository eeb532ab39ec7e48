"""Addresses in texts of Markdown that become links of their own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from markdown_it.rules_core import StateCore
    from markdown_it.token import Token

_ADDRESS: Final = re.compile(
    r"(?<![^\s*_~(])(https?://|ftp://|mailto:|www\.)([^\s<]+)", re.IGNORECASE
)
_ENDS: Final = "?!.,:*_~"
_ENTITY: Final = re.compile(r"&[A-Za-z0-9]{1,32};\Z")
_HOST: Final = re.compile(r"([^/?#:]*)(.*)", re.DOTALL)
_LABEL: Final = re.compile(r"[\w-]+")
_ANCHOR: Final = re.compile(r"<(/?)a[\s>]", re.IGNORECASE)
_KEPT: Final = "-_.~;/?:@&=+$,!'()*%#[]"
_MAIL, _WWW = "mailto:", "www."
_LEAST_LABELS: Final = 2


def link_addresses(state: StateCore) -> None:
    """Make links of the addresses in all texts that are in none."""
    for token in state.tokens:
        if token.type == "inline" and token.children:
            token.children = _with_links(token.children)


def _with_links(tokens: list[Token]) -> list[Token]:
    found: list[Token] = []
    depth = 0
    for token in tokens:
        if token.type in ("link_open", "link_close"):
            depth += token.nesting
        elif token.type == "html_inline" and (anchor := _ANCHOR.match(token.content)):
            depth += -1 if anchor.group(1) else 1
        if token.type == "text" and depth <= 0:
            found.extend(_split(token))
        else:
            found.append(token)
    return found


def _split(token: Token) -> list[Token]:
    kind: Any = type(token)
    found, at = [], 0
    for match in _ADDRESS.finditer(token.content):
        beginning, rest = match.group(1), _trimmed(match.group(2))
        target = _target(beginning.lower(), rest)
        if target is None:
            continue
        shown = rest if beginning.lower() == _MAIL else beginning + rest
        found.append(kind("text", "", 0, content=token.content[at : match.start()]))
        found.append(kind("link_open", "a", 1, attrs={"href": target}))
        found.append(kind("text", "", 0, content=shown))
        found.append(kind("link_close", "a", -1))
        at = match.start(2) + len(rest)
    return [*found, kind("text", "", 0, content=token.content[at:])]


def _trimmed(address: str) -> str:
    """Leave out what ends a sentence or closes a bracket that was opened before."""
    while True:
        shorter = _ENTITY.sub("", address.rstrip(_ENDS))
        if shorter.endswith(")") and shorter.count(")") > shorter.count("("):
            shorter = shorter[:-1]
        if shorter == address:
            return address
        address = shorter


def _target(beginning: str, rest: str) -> str | None:
    """Return what the link leads to; None where the host is none."""
    user = ""
    if beginning == _MAIL:
        user, sign, rest = rest.partition("@")
        if not user or not sign:
            return None
        user += "@"
    found = _HOST.match(rest)
    host, path = found.groups() if found else ("", "")
    labels = host.split(".")
    if len(labels) < _LEAST_LABELS or not all(map(_LABEL.fullmatch, labels)):
        return None
    if any("_" in label for label in labels[-2:]):
        return None
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    scheme = "http://www." if beginning == _WWW else beginning
    return f"{scheme}{user}{host}{quote(path, safe=_KEPT)}"

"""Read addresses into their parts, normalised as .NET does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from agent.language.filters.hosts import PORTS, WITH_HOST, read_host
from agent.language.filters.percent_signs import escape, escape_name

_FILE, _MAIL, _NEWS = "file", "mailto", "news"
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(.*)", re.DOTALL)
# In addresses of these a question mark is part of the path; these have no user or port; and in
# the path of these, dots lead nowhere.
_WITHOUT_QUERY: Final = frozenset({"ftp", "gopher", "news", "nntp", "telnet"})
_WITHOUT_USER: Final = frozenset({_FILE, "net.pipe", "net.tcp"})
_WITH_DOTS: Final = frozenset({"ldap", "telnet"})
_WITHOUT_PORT: Final = frozenset({_FILE, "net.pipe"})
_LETTER_SCHEME: Final = re.compile(r"[A-Za-z]:")
_FILE_SIGN: Final = re.compile(r"^file:/?(?=[A-Za-z]:[\\/])", re.IGNORECASE)
_DRIVE: Final = re.compile(r"/?([A-Za-z])[:|]([\\/].*)", re.DOTALL)
_PARTS: Final = re.compile(r"([^?#]*)(\?[^#]*)?(#.*)?", re.DOTALL)
_LETTER: Final = re.compile(r"/[A-Za-z][:|]")


@dataclass(frozen=True, slots=True)
class Address:
    """An address; its texts are escaped, its query and fragment begin with their signs.

    `kind` is what sort of host it has. The scheme is empty where the address is relative.
    """

    scheme: str = ""
    user: str = ""
    has_user: bool = False
    host: str = ""
    scope: str = ""
    kind: str = "Unknown"
    port: int = -1
    has_slashes: bool = False
    path: str = ""
    query: str = ""
    fragment: str = ""

    @property
    def is_file(self) -> bool:
        return self.scheme == _FILE

    @property
    def has_default_port(self) -> bool:
        return self.port == PORTS.get(self.scheme, -1)


def read_address(text: str) -> Address | None:
    """Read an address, relative ones too; None when it is none."""
    text = text.strip(" \t\n\v\f\r")
    if text.startswith("\\\\"):
        return _after_slashes(_FILE, text.replace("\\", "/"))
    # The scheme of files may be left out before a drive, and so may its slashes.
    drive = _DRIVE.fullmatch(_FILE_SIGN.sub("", text))
    if drive is not None and not text.startswith("/"):
        return _on_drive(drive, text)
    found = _SCHEME.fullmatch(text)
    if found is None:
        return None if _LETTER_SCHEME.match(text) else Address()
    scheme, rest = found.group(1).lower(), found.group(2)
    if scheme == _MAIL:
        return _mail(rest)
    known = scheme in WITH_HOST or scheme == _FILE
    if known:
        place = _PARTS.match(rest)
        end = place.end(1) if place else 0
        rest = rest[:end].replace("\\", "/") + rest[end:]
        if scheme == _FILE and rest.startswith("////"):
            rest = f"//{rest.lstrip('/')}"
    if rest.startswith("//") and scheme != _NEWS:
        return _after_slashes(scheme, rest)
    return Address() if known else _opaque(scheme, rest)


def _escape_path(path: str) -> str:
    return _without_dots(escape(path))


def _opaque(scheme: str, rest: str) -> Address:
    path, query, fragment = _split(scheme, rest)
    return Address(scheme, path=escape(path), query=query, fragment=fragment)


def _on_drive(drive: re.Match[str], text: str) -> Address:
    path = f"{drive.group(1)}:{drive.group(2)}".replace("\\", "/")
    # Here these signs are part of names.
    path = escape(escape_name(path)).replace("?", "%3F").replace("#", "%23")
    return Address(_FILE, kind="Basic", has_slashes=True, path=_without_dots(path))


def _after_slashes(scheme: str, rest: str) -> Address | None:
    before, query, fragment = _split(scheme, rest[2:])
    authority, slash, path = before.partition("/")
    path = slash + path
    drive = _DRIVE.fullmatch(path) if scheme == _FILE and not authority else None
    if drive is not None:
        path = f"{drive.group(1)}:{drive.group(2)}".replace("\\", "/")
    # With a second sign, what follows the first is no host.
    user, at, host = authority.partition("@") if "@" in authority else ("", "", authority)
    found = read_host(scheme, host)
    if found is None or (at and (not host or scheme in _WITHOUT_USER)):
        return None
    name, scope, kind, port = found
    if (":" in host.rpartition("]")[2] and scheme in _WITHOUT_PORT) or (
        scheme == _FILE and not host and drive is None and _LETTER.match(path)
    ):
        return None
    return Address(
        scheme,
        escape(user),
        bool(at),
        name,
        scope,
        kind,
        port,
        has_slashes=True,
        path=(escape if scheme in _WITH_DOTS else _escape_path)(path) or "/",
        query=query,
        fragment=fragment,
    )


def _mail(rest: str) -> Address | None:
    before, query, fragment = _split(_MAIL, rest)
    user, at, host = before.rpartition("@")
    found = None if at and not host else read_host(_MAIL, host)
    if found is None:
        return None
    name, scope, kind, port = found
    return Address(
        _MAIL, escape(user), bool(user), name, scope, kind, port, query=query, fragment=fragment
    )


def _split(scheme: str, text: str) -> tuple[str, str, str]:
    found = _PARTS.fullmatch(text)
    before, query, fragment = found.groups() if found else (text, "", "")
    if query and scheme in _WITHOUT_QUERY:
        slash = "" if "/" in before or scheme == _NEWS else "/"
        before, query = before + slash + query.replace("?", "%3F"), ""
    return (
        before,
        f"?{escape(query[1:])}" if query else "",
        f"#{escape(fragment[1:]).replace('%23', '#')}" if fragment else "",
    )


def _without_dots(path: str) -> str:
    """Follow the segments that lead up or nowhere."""
    first, *segments = path.split("/")
    kept: list[str] = []
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments and segments[-1] in (".", ".."):
        kept.append("")
    return "/".join([first, *kept]) if segments else path

"""The filter that takes an address apart."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from urllib.parse import SplitResult, quote, unquote, urlsplit

from agent.language.environment import Call, Filter

_DEFAULT_PORTS = {"http": 80, "https": 443, "ftp": 21, "mailto": 25, "ws": 80, "wss": 443}
_KEPT = "-_.~;/?:@&=+$,[]!'()*%"
_WITH_HOST = ("http", "https", "ftp", "ws", "wss")
_MAIL = "mailto"
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_QUERY = re.compile(r"[?#]")
_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


def _uri_part(call: Call) -> str:
    if not call.options:
        return "[UriPart error: no argument given]"
    part = call.options[0]
    try:
        uri = urlsplit(_as_address(call.text.strip()))
        known_port = uri.port
    except ValueError:
        return call.text
    if " " in (uri.hostname or "") or (uri.scheme in _WITH_HOST and not uri.hostname):
        return call.text
    if part.lower() == "isabsoluteuri":
        return _boolean(bool(uri.scheme))
    reader = _PARTS.get(part.lower())
    if reader is None:
        return f"[UriPart {part} error: argument '{part}' not supported]"
    if not uri.scheme:
        return f"[UriPart {part} error: This operation is not supported for a relative URI.]"
    port = known_port if known_port is not None else _DEFAULT_PORTS.get(uri.scheme.lower(), -1)
    return reader(uri, port)


def _as_address(text: str) -> str:
    """Write a path of Windows as the address of a file, and mail with its host."""
    if _DRIVE.match(text):
        return "file:///" + text.replace("\\", "/")
    if text.startswith("\\\\"):
        return "file:" + text.replace("\\", "/")
    scheme, colon, rest = text.partition(":")
    if colon and scheme.lower() in _WITH_HOST:
        start = _QUERY.search(rest)
        end = start.start() if start else len(rest)
        rest = rest[:end].replace("\\", "/") + rest[end:]
        return f"{scheme}:{rest}"
    if colon and scheme.lower() == _MAIL:
        return f"{_MAIL}://{rest}"
    return text


def _path(uri: SplitResult) -> str:
    path = _quoted(uri.path)
    if uri.scheme == "file" and _DRIVE.match(path[1:]):
        return path[1:]
    if not uri.netloc or uri.scheme == _MAIL:
        return path
    kept: list[str] = []
    for segment in path.split("/")[1:]:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if path.endswith(("/.", "/..")):
        kept.append("")
    return "/" + "/".join(kept)


def _quoted(text: str) -> str:
    """Escape what may not stand in an address; escapes stay, a percent sign alone is one anew."""
    return _PERCENT.sub("%25", quote(text, safe=_KEPT, errors="replace"))


def _local(uri: SplitResult) -> str:
    path = unquote(_path(uri))
    if uri.scheme != "file":
        return path
    if uri.netloc:
        path = f"//{uri.netloc}{path}"
    return path.replace("/", "\\") if uri.netloc or _DRIVE.match(path) else path


def _query(uri: SplitResult) -> str:
    return f"?{_quoted(uri.query)}" if uri.query else ""


def _fragment(uri: SplitResult) -> str:
    return f"#{_quoted(uri.fragment)}" if uri.fragment else ""


def _host(uri: SplitResult) -> str:
    host = uri.hostname or ""
    return f"[{host}]" if ":" in host else host


def _authority(uri: SplitResult, port: int) -> str:
    return _host(uri) if _is_default(uri, port) else f"{_host(uri)}:{port}"


def _is_default(uri: SplitResult, port: int) -> bool:
    return port == _DEFAULT_PORTS.get(uri.scheme, -1)


def _scheme_and_server(uri: SplitResult, port: int) -> str:
    separator = "//" if uri.netloc and uri.scheme != _MAIL else ""
    return f"{uri.scheme}:{separator}{_authority(uri, port)}"


def _absolute(uri: SplitResult, port: int) -> str:
    separator = "//" if (uri.netloc or uri.scheme == "file") and uri.scheme != _MAIL else ""
    user = f"{_user(uri)}@" if _user(uri) else ""
    server = f"{uri.scheme}:{separator}{user}{_authority(uri, port)}"
    path = _path(uri)
    slash = "/" if uri.scheme == "file" and not path.startswith("/") else ""
    return f"{server}{slash}{path}{_query(uri)}{_fragment(uri)}"


def _user(uri: SplitResult) -> str:
    return uri.netloc.rpartition("@")[0]


def _host_name_type(uri: SplitResult) -> str:
    host = uri.hostname or ""
    if not host:
        return "Basic" if uri.scheme == "file" else "Unknown"
    try:
        return f"IPv{ipaddress.ip_address(host).version}"
    except ValueError:
        return "Dns"


def _is_loopback(uri: SplitResult) -> bool:
    host = uri.hostname or ""
    if host == "localhost" or (uri.scheme == "file" and not host):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _boolean(value: bool) -> str:  # noqa: FBT001 - the value is the subject
    return "true" if value else "false"


def _host_and_port(uri: SplitResult, port: int) -> str:
    return _host(uri) if port < 0 else f"{_host(uri)}:{port}"


_PARTS: dict[str, Callable[[SplitResult, int], str]] = {
    "absolutepath": lambda uri, _: _path(uri),
    "absoluteuri": _absolute,
    "authority": _authority,
    "dnssafehost": lambda uri, _: uri.hostname or "",
    "fragment": lambda uri, _: _fragment(uri),
    "host": lambda uri, _: _host(uri),
    "hostandport": _host_and_port,
    "hostnametype": lambda uri, _: _host_name_type(uri),
    "isdefaultport": lambda uri, port: _boolean(_is_default(uri, port)),
    "isfile": lambda uri, _: _boolean(uri.scheme == "file"),
    "isloopback": lambda uri, _: _boolean(_is_loopback(uri)),
    "isunc": lambda uri, _: _boolean(uri.scheme == "file" and bool(uri.netloc)),
    "path": lambda uri, _: _local(uri),
    "pathandquery": lambda uri, _: _path(uri) + _query(uri),
    "port": lambda _, port: str(port),
    "query": lambda uri, _: _query(uri),
    "scheme": lambda uri, _: uri.scheme,
    "schemeandserver": _scheme_and_server,
    "userinfo": lambda uri, _: _user(uri),
}

FILTERS = {"uripart": Filter(_uri_part, most=None)}

"""The filter that takes an address apart."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

from agent.language.environment import Call, Filter
from agent.language.filters.addresses import Address, read_address
from agent.language.filters.percent_signs import unescape

_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_MAIL = "mailto"


def _uri_part(call: Call) -> str:
    if not call.options:
        return "[UriPart error: no argument given]"
    part = call.options[0]
    address = read_address(call.text)
    if address is None:
        return call.text
    if part.lower() == "isabsoluteuri":
        return _boolean(bool(address.scheme))
    reader = _PARTS.get(part.lower())
    if reader is None:
        return f"[UriPart {part} error: argument '{part}' not supported]"
    if not address.scheme:
        return f"[UriPart {part} error: This operation is not supported for a relative URI.]"
    return reader(address)


def _local(address: Address) -> str:
    path = unescape(address.path)
    if address.is_file and address.host:
        whole = f"//{address.host}{'' if path == '/' else path}"
        return whole.replace("/", "\\")
    return path.replace("/", "\\") if address.is_file and _DRIVE.match(path) else path


def _authority(address: Address) -> str:
    if address.has_default_port:
        return address.host
    return f"{address.host}:{address.port}"


def _scheme_and_server(address: Address) -> str:
    slashes = "//" if address.has_slashes else ""
    return f"{address.scheme}:{slashes}{_authority(address)}"


def _absolute(address: Address) -> str:
    slashes = "//" if address.has_slashes else ""
    user = f"{address.user}@" if address.has_user else ""
    drive = "/" if address.is_file and not address.path.startswith("/") else ""
    return (
        f"{address.scheme}:{slashes}{user}{_authority(address)}{drive}"
        f"{address.path}{address.query}{address.fragment}"
    )


def _dns_safe(address: Address) -> str:
    scope = f"%25{address.scope}" if address.scope else ""
    return address.host.strip("[]") + scope


def _is_loopback(address: Address) -> bool:
    if address.kind == "Basic" and not address.host:
        return True
    try:
        return ipaddress.ip_address(address.host.strip("[]")).is_loopback
    except ValueError:
        return address.host == "localhost"


def _host_and_port(address: Address) -> str:
    return address.host if address.port < 0 else f"{address.host}:{address.port}"


def _boolean(value: bool) -> str:  # noqa: FBT001 - the value is the subject
    return "true" if value else "false"


_PARTS: dict[str, Callable[[Address], str]] = {
    "absolutepath": lambda address: address.path,
    "absoluteuri": _absolute,
    "authority": _authority,
    "dnssafehost": _dns_safe,
    "fragment": lambda address: address.fragment,
    "host": lambda address: address.host,
    "hostandport": _host_and_port,
    "hostnametype": lambda address: address.kind,
    "isdefaultport": lambda address: _boolean(address.has_default_port),
    "isfile": lambda address: _boolean(address.is_file),
    "isloopback": lambda address: _boolean(_is_loopback(address)),
    "isunc": lambda address: _boolean(address.is_file and bool(address.host)),
    "path": _local,
    "pathandquery": lambda address: address.path + address.query,
    "port": lambda address: str(address.port),
    "query": lambda address: address.query,
    "scheme": lambda address: address.scheme,
    "schemeandserver": _scheme_and_server,
    "userinfo": lambda address: address.user,
}

FILTERS = {"uripart": Filter(_uri_part, most=None)}

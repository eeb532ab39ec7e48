"""Read the host of an address: a name, or a number in any of its forms, and a port."""

from __future__ import annotations

import ipaddress
import re
from typing import Final

PORTS: Final = {
    "http": 80,
    "https": 443,
    "ftp": 21,
    "mailto": 25,
    "ws": 80,
    "wss": 443,
    "gopher": 70,
    "nntp": 119,
    "telnet": 23,
    "ldap": 389,
    "net.tcp": 808,
}
# These have a host after two slashes, always.
WITH_HOST: Final = frozenset(PORTS) - {"mailto"} | {"net.pipe"}
_PORT: Final = re.compile(r":([0-9]*)")
_MOST_PORTS: Final = 65535
_SCOPED: Final = re.compile(r"\[([0-9A-Fa-f:.]+)(?:%25([^\]]*))?\](?=:|\Z)")
_NAME_START: Final = re.compile(r"[^\W_]")
_NAME: Final = re.compile(r"[\w-]+(?:\.[\w-]+)*\.?")
_USUAL: Final = re.compile(r"(?:[1-9]?[0-9]{1,2}\.){3}[1-9]?[0-9]{1,2}")
_NUMBERS: Final = re.compile(r"(?:(?:0[xX][0-9A-Fa-f]+|[0-9]+)(?:\.(?!\Z)|\Z)){1,4}")


def read_host(scheme: str, text: str) -> tuple[str, str, str, int] | None:
    """Return the name, the scope, the kind and the port; None when it is no host."""
    if not text:
        return (
            None
            if scheme in WITH_HOST and scheme != "ldap"
            else ("", "", "Basic", PORTS.get(scheme, -1))
        )
    scoped = _SCOPED.match(text)
    end = scoped.end() if scoped else len(text.partition(":")[0])
    port = _port(scheme, text[end:])
    if port is None:
        return None
    if scoped is not None:
        try:
            shown = ipaddress.IPv6Address(scoped.group(1))
        except ValueError:
            return None
        mapped = shown.ipv4_mapped
        name = f"::ffff:{mapped}" if mapped else str(shown)
        return f"[{name}]", scoped.group(2) or "", "IPv6", port
    name = text[:end]
    # Of unknown schemes an address is a number in its usual form alone.
    is_known = scheme in PORTS or scheme in ("file", "net.pipe")
    number = _number(name) if is_known or _USUAL.fullmatch(name) else None
    if number is not None:
        return number, "", "IPv4", port
    if not _NAME.fullmatch(name):
        return None
    kind = "Dns" if _NAME_START.match(name) else "Basic"
    name = "localhost" if name.lower() == "loopback" else name.lower()
    return name, "", kind, port


def _port(scheme: str, text: str) -> int | None:
    default = PORTS.get(scheme, -1)
    if not text:
        return default
    found = _PORT.fullmatch(text)
    if found is None:
        return None
    digits = found.group(1).lstrip("0")
    if len(digits) > len(str(_MOST_PORTS)) or int(digits or 0) > _MOST_PORTS:
        return None
    return int(found.group(1)[-5:]) if found.group(1) else default


def _number(name: str) -> str | None:
    """Give an address of four bytes its usual form; parts may be missing, octal or hexadecimal."""
    if not _NUMBERS.fullmatch(name):
        return None
    try:
        *first, last = (_part(part) for part in name.split("."))
    except ValueError:
        return None
    value = 0
    for part in first:
        value = value << 8 | part
    left = 8 * (4 - len(first))
    if any(part > 255 for part in first) or last >= 1 << left:  # noqa: PLR2004 - one byte each
        return None
    return str(ipaddress.IPv4Address(value << left | last))


def _part(text: str) -> int:
    if text[:2] in ("0x", "0X"):
        return int(text, 0)
    return int(text, 8) if text.startswith("0") else int(text)

"""Which addresses a URL that people wrote may lead to; pure but for the name lookup."""

import ipaddress
import socket

_ITSELF = "which is this server itself; Administration, Outgoing can allow that"


class Refused(ValueError):
    """The URL leads where the server must not go; the text says why."""


def addresses_of(host: str, port: int, *, allow_loopback: bool) -> list[str]:
    """Return the addresses of the host, looked up once, so that what is checked is what is used.

    Private networks are allowed: deployments check services there. This machine itself and
    link-local addresses, where clouds keep credentials, are not. Raises Refused and OSError.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(target[0]) for *_, target in found]
    for address in addresses:
        reason = refusal(address, allow_loopback=allow_loopback)
        if reason:
            raise Refused(f"{host} is {address}, {reason}.")
    return addresses


def refusal(address: str, *, allow_loopback: bool) -> str:
    """Return why the server must not connect to an address, or nothing."""
    found = ipaddress.ip_address(address.partition("%")[0])
    inner = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None) or found
    if inner.is_loopback or inner.is_unspecified:
        return "" if allow_loopback else _ITSELF
    if inner.is_link_local:
        return "which is link-local"
    if inner.is_multicast or inner.is_reserved:
        return "which is no address of a server"
    return ""

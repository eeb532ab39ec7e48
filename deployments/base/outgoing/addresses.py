"""Which addresses a URL that people wrote may lead to; pure but for the name lookup."""

import ipaddress
import socket
from collections.abc import Iterable, Sequence
from contextlib import suppress

from django.conf import settings

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# Where clouds keep credentials of their machines, beside the link-local 169.254.169.254.
_METADATA = frozenset(
    ipaddress.ip_address(address)
    for address in ("fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192")
)
_THIS_HOST = ipaddress.ip_network("0.0.0.0/8")
_ITSELF = "which is this server itself; Administration, Outgoing can allow that"
_PRIVATE = "which is in a private network that OCTOPUS_PRIVATE_NETWORKS does not name"

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Refused(ValueError):
    """The URL leads where the server must not go; the text says why."""


def addresses_of(host: str, port: int, *, allow_loopback: bool) -> list[str]:
    """Return the addresses of the host, looked up once, so that what is checked is what is used.

    Private networks are allowed, unless a setting says which: deployments check services there.
    This machine itself and link-local addresses, where clouds keep credentials, are not. Raises
    Refused and OSError.
    """
    private = settings.OCTOPUS.private_networks
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(target[0]) for *_, target in found]
    for address in addresses:
        reason = refusal(address, allow_loopback=allow_loopback, private=private)
        if reason:
            raise Refused(f"{'' if host == address else f'{host} is '}{address}, {reason}.")
    return addresses


def connected(addresses: Sequence[str], port: int, timeout_s: float | None) -> socket.socket:
    """Return a connection to the first of the addresses that takes one; raises OSError.

    Each gets the same share of the time, so that a name with many addresses costs no more.
    """
    share = None if timeout_s is None else timeout_s / len(addresses)
    for address in addresses[:-1]:
        with suppress(OSError):
            return _patient(socket.create_connection((address, port), share), timeout_s)
    return _patient(socket.create_connection((addresses[-1], port), share), timeout_s)


def _patient(connection: socket.socket, timeout_s: float | None) -> socket.socket:
    connection.settimeout(timeout_s)
    return connection


def refusal(
    address: str, *, allow_loopback: bool, private: Iterable[_Network] | None = None
) -> str:
    """Return why the server must not connect to an address, or nothing.

    `private` are the private networks that it may reach, None: all of them.
    """
    found = _innermost(ipaddress.ip_address(address.partition("%")[0]))
    if found.is_loopback or found.is_unspecified or found in _THIS_HOST:
        return "" if allow_loopback else _ITSELF
    if found.is_link_local or found in _METADATA:
        return "which is link-local, or where a cloud keeps credentials"
    if found.is_multicast or found.is_reserved:
        return "which is no address of a server"
    if private is None or found.is_global or any(found in network for network in private):
        return ""
    return _PRIVATE


def _innermost(found: _Address) -> _Address:
    """Return the IPv4 address that an IPv6 address stands for, or the address itself."""
    if isinstance(found, ipaddress.IPv4Address):
        return found
    if found in _NAT64 or (found.packed[:12] == bytes(12) and int(found) > 1):
        return ipaddress.IPv4Address(found.packed[12:])
    return found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else found)

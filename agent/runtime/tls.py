"""TLS towards the server: by CA, or by the pinned SHA-256 of its certificate.

The pin is checked inside the handshake, so nothing (no credential) is sent to another server.
"""

import hashlib
import hmac
import ipaddress
import ssl
from urllib.parse import urlsplit


class PlainRefused(Exception):
    """An address without TLS that is not on this machine."""


def context_for(
    url: str, *, pin: str | None, ca_file: str | None, allow_plain: bool
) -> ssl.SSLContext | None:
    """Return the TLS context for a URL, None for a permitted plain one; PlainRefused otherwise."""
    parts = urlsplit(url)
    if parts.scheme in ("http", "ws"):
        if not allow_plain and not is_loopback(parts.hostname or ""):
            text = f"{url} has no TLS; plain connections leave this machine only with --allow-plain"
            raise PlainRefused(text)
        return None
    if parts.scheme not in ("https", "wss"):
        raise PlainRefused(f"{url} is not an address of a server")
    return pinned_context(pin) if pin else ssl.create_default_context(cafile=ca_file)


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def pinned_context(pin: str) -> ssl.SSLContext:
    """Return a context that accepts exactly one certificate, whoever signed it."""
    wanted = pin.replace(":", "").lower()

    class PinnedObject(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            _check(self.getpeercert(binary_form=True), wanted)

    class PinnedSocket(ssl.SSLSocket):
        def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002
            super().do_handshake(block)
            _check(self.getpeercert(binary_form=True), wanted)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslobject_class = PinnedObject
    context.sslsocket_class = PinnedSocket
    return context


def _check(certificate: bytes | None, wanted: str) -> None:
    found = hashlib.sha256(certificate or b"").hexdigest()
    if not hmac.compare_digest(found, wanted):
        raise ssl.SSLCertVerificationError(
            f"the server's certificate has thumbprint {found}, expected {wanted}"
        )

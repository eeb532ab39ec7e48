"""Connections to a directory: checked address, checked certificate, one limit for all of it."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import ldap3
from ldap3.core import results
from ldap3.core.exceptions import LDAPException, LDAPInvalidCredentialsResult

from deployments.access.ldap.names import Attributes
from deployments.base.outgoing import Limit, Refused, addresses_of, client_context, limited

TIME_LIMIT_S: Final = 15.0
_SILENCE_S: Final = 10
_MOST_ENTRIES: Final = 1000


class DirectoryUnavailable(OSError):
    """The directory could not be asked; the text says why, without what was secret."""


class TooMany(DirectoryUnavailable):
    """More entries fit than were asked for."""


class WrongPassword(Exception):
    """The directory does not take this name and password."""


@dataclass(frozen=True, slots=True, repr=False)
class Directory:
    """Where a directory is and who asks it; `ca_certificate` is PEM, empty for the system's."""

    server: str
    port: int
    security: str
    ca_certificate: str
    bind_dn: str
    password: str
    allow_loopback: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """Something of the directory."""

    dn: str
    attributes: Attributes


class Session:
    """A connection that has signed in."""

    def __init__(self, connection: ldap3.Connection) -> None:
        self._connection = connection

    def find(
        self, base: str, wanted: str, attributes: Sequence[str], most: int = _MOST_ENTRIES
    ) -> list[Entry]:
        """Return the entries below the base that a filter wants.

        Raises DirectoryUnavailable, of which TooMany is one.
        """
        try:
            self._connection.search(
                base, wanted, attributes=list(attributes), size_limit=most, time_limit=_SILENCE_S
            )
        except LDAPException as error:
            raise DirectoryUnavailable(_words(error)) from error
        match self._connection.result["result"]:
            case results.RESULT_SIZE_LIMIT_EXCEEDED:
                raise TooMany(f"More than {most} entries fit {wanted[:200]}.")
            case results.RESULT_TIME_LIMIT_EXCEEDED:
                raise DirectoryUnavailable("It took too long to find what was asked for.")
        found = self._connection.response or []
        return [
            Entry(each["dn"], each["raw_attributes"])
            for each in found
            if each["type"] == "searchResEntry"
        ]


@contextmanager
def asking(directory: Directory) -> Iterator[Session]:
    """Give a session of the account that asks. Raises DirectoryUnavailable."""
    with _within(directory) as connection:
        try:
            bound = _bound(connection, directory.bind_dn, directory.password)
        except WrongPassword as error:
            text = "The directory does not take the name and password of the account that asks it."
            raise DirectoryUnavailable(text) from error
        yield Session(bound)


def try_password(directory: Directory, dn: str, password: str) -> None:
    """Sign in as somebody, to see whether the password is theirs.

    Raises WrongPassword and DirectoryUnavailable. An empty password is never sent: many
    directories take it for a visitor without a name, and say yes.
    """
    if not password or not dn:
        raise WrongPassword
    with _within(directory) as connection:
        _bound(connection, dn, password)


@contextmanager
def _within(directory: Directory) -> Iterator[ldap3.Connection]:
    try:
        with limited(TIME_LIMIT_S) as limit:
            connection = _opened(directory, limit)
            try:
                yield connection
            finally:
                with suppress(LDAPException, OSError):
                    connection.unbind()
    except DirectoryUnavailable:
        raise
    except (LDAPException, OSError, Refused) as error:
        raise DirectoryUnavailable(_words(error)) from error


def _opened(directory: Directory, limit: Limit) -> ldap3.Connection:
    """Return a connection to the first address that takes one, inside TLS where that is wanted."""
    tls = _Tls(directory, limit)
    addresses = addresses_of(
        directory.server, directory.port, allow_loopback=directory.allow_loopback
    )
    for address in addresses:
        server = ldap3.Server(
            address,
            port=directory.port,
            use_ssl=directory.security == "tls",
            tls=tls,
            get_info=ldap3.NONE,
            connect_timeout=_SILENCE_S / len(addresses),
        )
        connection = ldap3.Connection(
            server,
            receive_timeout=_SILENCE_S,
            raise_exceptions=True,
            auto_referrals=False,
            check_names=False,
            read_only=True,
        )
        try:
            connection.open(read_server_info=False)
        except LDAPException:
            if connection.socket is not None:
                connection.socket.close()
            if address == addresses[-1]:
                raise
            continue
        break
    limit.watch(connection.socket)
    if directory.security == "starttls":
        connection.start_tls(read_server_info=False)
    return connection


def _bound(connection: ldap3.Connection, dn: str, password: str) -> ldap3.Connection:
    """Sign in; without a name as nobody, which many directories let ask."""
    connection.user, connection.password = dn or None, password or None
    connection.authentication = ldap3.SIMPLE if dn else ldap3.ANONYMOUS
    try:
        connection.bind(read_server_info=False)
    except LDAPInvalidCredentialsResult as error:
        raise WrongPassword from error
    return connection


class _Tls(ldap3.Tls):  # type: ignore[misc]  # the library has no types
    """Certificates are checked against the name that people wrote, not the address it led to."""

    def __init__(self, directory: Directory, limit: Limit) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._limit = limit
        self._name = directory.server
        self._context = (
            ssl.create_default_context(cadata=directory.ca_certificate)
            if directory.ca_certificate
            else client_context()
        )

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:  # noqa: FBT001, FBT002 the library calls it so
        """Put TLS on the connection; the library leaves the handshake to the first use."""
        self._limit.watch(connection.socket)
        connection.socket = self._context.wrap_socket(connection.socket, server_hostname=self._name)


def _words(error: Exception) -> str:
    """Return an error as people read it; those of the library name their own kind first."""
    text = str(error).strip() or type(error).__name__
    if "CERTIFICATE_VERIFY_FAILED" in text:
        reason = text.partition("certificate verify failed: ")[2].partition(" (_ssl")[0]
        return f"Its certificate was not accepted: {reason or 'it is not trusted'}."
    return f"It does not answer as a directory: {text[:300]}"

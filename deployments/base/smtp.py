"""Sending mail over SMTP by the standard library."""

import smtplib
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import make_msgid, parseaddr
from typing import IO

from deployments.base.outgoing import Limit, addresses_of, client_context, connected, limited

_DEFAULT_TIMEOUT_S = 12.0
_GOODBYE_S = 2.0
_LARGEST_REPLY = 16 * 1024
_LONGEST_SAID = 500
_PRIORITIES = {"High": "1 (Highest)", "Low": "5 (Lowest)"}


@dataclass(frozen=True, slots=True, repr=False)
class SmtpSettings:
    """`encryption` is none, starttls or tls; without a user name nobody signs in.

    `timeout_s` is for all that one mail takes: name, connection, sign-in and the mail itself.
    """

    host: str
    port: int
    sender: str
    encryption: str = "none"
    username: str = ""
    password: str = ""
    timeout_s: float = _DEFAULT_TIMEOUT_S

    @classmethod
    def read(cls, settings: Mapping[str, object]) -> "SmtpSettings":
        """Read the settings `smtp.*`. Raises ValueError when host or sender is missing."""
        host = str(settings.get("smtp.host") or "")
        sender = str(settings.get("smtp.from") or "")
        if not host or not sender:
            raise ValueError("no SMTP server is set up under Administration, Outgoing.")
        return cls(
            host=host,
            port=int(str(settings.get("smtp.port") or 25)),
            sender=sender,
            encryption=str(settings.get("smtp.encryption") or "none").lower(),
            username=str(settings.get("smtp.username") or ""),
            password=str(settings.get("smtp.password") or ""),
            timeout_s=float(str(settings.get("smtp.timeout_s") or _DEFAULT_TIMEOUT_S)),
        )


def send(
    settings: SmtpSettings,
    addresses: Sequence[str],
    *,
    subject: str,
    body: str,
    is_html: bool,
    message_id: str = "",
    priority: str = "Normal",
) -> None:
    """Send the mail to each address on its own, each within the time limit.

    Raises OSError (smtplib's errors are such) and ValueError for an address that is none.
    """
    for address in addresses:
        if "@" not in parseaddr(address)[1] or "\n" in address:
            raise ValueError(f"{address!r} is not an email address.")
    connection: smtplib.SMTP | None = None
    try:
        for address in addresses:
            message = EmailMessage()
            message["From"] = settings.sender
            message["To"] = address
            message["Subject"] = subject
            message["Message-ID"] = make_msgid(message_id or None)
            if priority in _PRIORITIES:
                message["X-Priority"] = _PRIORITIES[priority]
            message.set_content(body, subtype="html" if is_html else "plain")
            with limited(settings.timeout_s) as limit:
                connection = _connected(settings, connection, limit)
                connection.send_message(message)
    except smtplib.SMTPException as error:
        raise _in_words(error) from error
    finally:
        if connection is not None:
            _leave(connection)


class _Checked(smtplib.SMTP):
    """A connection to an address that was checked; a relay on this machine is usual."""

    def __init__(self, settings: SmtpSettings, limit: Limit) -> None:
        self._is_inside_tls = settings.encryption == "tls"
        self._limit = limit
        super().__init__(settings.host, settings.port, timeout=settings.timeout_s)

    def getreply(self) -> tuple[int, bytes]:
        """Read one reply of a bounded size: smtplib limits its lines, but not their number."""
        if self.sock is not None:
            self.file = self.file or _Bounded(self.sock.makefile("rb"))
            self.file.left = _LARGEST_REPLY
        return super().getreply()

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connection = connected(addresses_of(host, port, allow_loopback=True), port, timeout)
        self._limit.watch(connection)
        if self._is_inside_tls:
            return client_context().wrap_socket(connection, server_hostname=host)
        return connection


class _Bounded:
    """The lines of a connection, while `left` says how many bytes a reply may still have."""

    def __init__(self, within: IO[bytes]) -> None:
        self._within = within
        self.left = 0

    def readline(self, size: int) -> bytes:
        """Return the next line. Raises OSError once there are too many."""
        line = self._within.readline(size)
        self.left -= len(line)
        if self.left < 0:
            raise OSError("the answer had no end")
        return line

    def close(self) -> None:
        """Close the connection's file."""
        self._within.close()


def _connected(
    settings: SmtpSettings, connection: smtplib.SMTP | None, limit: Limit
) -> smtplib.SMTP:
    """Return the connection, a new one at first, watched by the limit."""
    if connection is None:
        return _connect(settings, limit)
    if connection.sock is not None:
        limit.watch(connection.sock)
    return connection


def _connect(settings: SmtpSettings, limit: Limit) -> smtplib.SMTP:
    connection = _Checked(settings, limit)
    try:
        if settings.encryption == "starttls":
            connection.starttls(context=client_context())
        if settings.username:
            connection.login(settings.username, settings.password)
    except BaseException:
        connection.close()
        raise
    return connection


def _leave(connection: smtplib.SMTP) -> None:
    """Say goodbye, for a moment at most: the mail was taken before."""
    with suppress(OSError), limited(_GOODBYE_S) as limit:
        if connection.sock is not None:
            limit.watch(connection.sock)
            connection.quit()
    connection.close()


def _in_words(error: smtplib.SMTPException) -> OSError:
    """Return the error as people read it; smtplib shows tuples of bytes."""
    said: bytes | str
    match error:
        case smtplib.SMTPRecipientsRefused():
            code, said = next(iter(error.recipients.values()))
        case smtplib.SMTPResponseException():
            code, said = error.smtp_code, error.smtp_error
        case _:
            return error
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    return OSError(f"The mail server answered {code} {text[:_LONGEST_SAID]}".rstrip())

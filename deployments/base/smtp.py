"""Sending mail over SMTP by the standard library."""

import smtplib
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import make_msgid, parseaddr

from deployments.base.outgoing import addresses_of, connected

_DEFAULT_TIMEOUT_S = 12.0
_PRIORITIES = {"High": "1 (Highest)", "Low": "5 (Lowest)"}


@dataclass(frozen=True, slots=True, repr=False)
class SmtpSettings:
    """`encryption` is none, starttls or tls; without a user name nobody signs in."""

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
    """Send the mail to each address on its own.

    Raises OSError (smtplib's errors are such) and ValueError for an address that is none.
    """
    for address in addresses:
        if "@" not in parseaddr(address)[1] or "\n" in address:
            raise ValueError(f"{address!r} is not an email address.")
    with _connect(settings) as connection:
        for address in addresses:
            message = EmailMessage()
            message["From"] = settings.sender
            message["To"] = address
            message["Subject"] = subject
            message["Message-ID"] = make_msgid(message_id or None)
            if priority in _PRIORITIES:
                message["X-Priority"] = _PRIORITIES[priority]
            message.set_content(body, subtype="html" if is_html else "plain")
            connection.send_message(message)


class _Checked(smtplib.SMTP):
    """A connection to an address that was checked; a relay on this machine is usual."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return connected(addresses_of(host, port, allow_loopback=True), port, timeout)


class _CheckedTls(smtplib.SMTP_SSL, _Checked):
    """The same inside TLS, which names the host."""


def _connect(settings: SmtpSettings) -> smtplib.SMTP:
    context = ssl.create_default_context()
    where = (settings.host, settings.port)
    if settings.encryption == "tls":
        connection: smtplib.SMTP = _CheckedTls(*where, timeout=settings.timeout_s, context=context)
    else:
        connection = _Checked(*where, timeout=settings.timeout_s)
    try:
        if settings.encryption == "starttls":
            connection.starttls(context=context)
        if settings.username:
            connection.login(settings.username, settings.password)
    except BaseException:
        connection.close()
        raise
    return connection

"""The server's outgoing mail: reading, changing and trying its settings.

The rows are `smtp.host`, `smtp.port`, `smtp.from`, `smtp.encryption`, `smtp.username`,
`smtp.timeout_s` and, sealed, `smtp.password`.
"""

from dataclasses import asdict, dataclass
from email.utils import parseaddr
from typing import Final

from django.db import transaction

from deployments.access.permissions import Permission
from deployments.access.policy import require_system
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.base.events import record
from deployments.base.models import ServerSetting
from deployments.base.settings_rows import (
    opened_settings,
    set_secret_setting,
    set_setting,
)
from deployments.base.smtp import SmtpSettings, send

ENCRYPTIONS: Final = (("none", "None"), ("starttls", "STARTTLS"), ("tls", "TLS"))
_PREFIX = "smtp."
_PASSWORD = "smtp.password"  # noqa: S105 the key of a setting
_LARGEST_PORT = 65_535
_LONGEST_TIMEOUT_S = 120.0
_LONGEST_ADDRESS = 254


@dataclass(frozen=True, slots=True)
class MailSettings:
    """What may be shown; `has_password` stands for the password."""

    host: str = ""
    port: int = 25
    sender: str = ""
    encryption: str = "none"
    username: str = ""
    timeout_s: float = 12.0
    has_password: bool = False

    @property
    def is_configured(self) -> bool:
        """Whether mail can be sent at all."""
        return bool(self.host and self.sender)


def mail_settings() -> MailSettings:
    """Return the settings in force."""
    rows = _rows()
    empty = MailSettings()
    return MailSettings(
        host=str(rows.get("smtp.host") or ""),
        port=int(str(rows.get("smtp.port") or empty.port)),
        sender=str(rows.get("smtp.from") or ""),
        encryption=str(rows.get("smtp.encryption") or empty.encryption),
        username=str(rows.get("smtp.username") or ""),
        timeout_s=float(str(rows.get("smtp.timeout_s") or empty.timeout_s)),
        has_password=bool(rows.get(_PASSWORD)),
    )


def save_mail_settings(
    *,
    actor: Actor,
    host: str,
    port: int,
    sender: str,
    encryption: str = "none",
    username: str = "",
    password: str | None = None,
    timeout_s: float = 12.0,
    clock: Clock = utc_now,
) -> MailSettings:
    """Change the settings; a password of None stays as it is, an empty one is removed.

    Raises Invalid.
    """
    require_system(actor, Permission.ConfigureServer)
    host, sender, username = host.strip(), sender.strip(), username.strip()
    _require_valid(host, port, sender, encryption, timeout_s)
    with transaction.atomic():
        before = mail_settings()
        for name, value in {
            "smtp.host": host,
            "smtp.port": port,
            "smtp.from": sender,
            "smtp.encryption": encryption,
            "smtp.username": username,
            "smtp.timeout_s": timeout_s,
        }.items():
            set_setting(name, value)
        if password is not None:
            set_secret_setting(_PASSWORD, password)
        after = mail_settings()
        record(
            actor=actor,
            space=None,
            category="Modified",
            message="The settings of outgoing mail were changed",
            subject="smtpconfiguration",
            before=asdict(before),
            after={**asdict(after), "password_changed": password is not None},
            clock=clock,
        )
    return after


def send_test_mail(*, actor: Actor, address: str, clock: Clock = utc_now) -> None:
    """Send a mail with the settings in force. Raises Invalid with the reason."""
    require_system(actor, Permission.ConfigureServer)
    problem = try_mail(address.strip(), by=actor.username, clock=clock)
    if problem:
        raise Invalid(f"The mail was not sent: {problem}")


def try_mail(address: str, *, by: str, clock: Clock = utc_now) -> str:
    """Send the mail that tries the settings; returns why that failed, or nothing."""
    text = f"{by} has tried the mail settings of Octopus at {clock():%H:%M:%S} UTC.\n"
    return send_mail(address, subject="Octopus can send mail", body=text)


def require_address(text: str, *, field: str) -> str:
    """Return the address without the space around it. Raises Invalid where it is none."""
    address = text.strip()
    is_one = "@" in parseaddr(address)[1] and address.isprintable()
    if not is_one or len(address) > _LONGEST_ADDRESS:
        raise Invalid(fields={field: ["An email address is needed."]})
    return address


def send_mail(address: str, *, subject: str, body: str) -> str:
    """Send a mail with the settings in force; returns why that failed, or nothing."""
    try:
        settings = SmtpSettings.read(opened_settings(_PREFIX))
        send(settings, [address], subject=subject, body=body, is_html=False)
    except (OSError, ValueError) as error:
        return str(error)
    return ""


def _rows() -> dict[str, object]:
    rows = ServerSetting.objects.filter(key__startswith=_PREFIX)
    return {row.key: row.value for row in rows}


def _require_valid(host: str, port: int, sender: str, encryption: str, timeout_s: float) -> None:
    problems: dict[str, list[str]] = {}
    if host and any(char.isspace() or char in "/:@" for char in host):
        problems["SmtpHost"] = ["A host name or an address, without a port."]
    if not 1 <= port <= _LARGEST_PORT:
        problems["SmtpPort"] = [f"A number from 1 to {_LARGEST_PORT}."]
    if host and "@" not in parseaddr(sender)[1]:
        problems["SendEmailFrom"] = ["An email address is needed."]
    if encryption not in dict(ENCRYPTIONS):
        problems["Encryption"] = ["One of none, starttls and tls."]
    if not 0 < timeout_s <= _LONGEST_TIMEOUT_S:
        problems["Timeout"] = [f"At most {_LONGEST_TIMEOUT_S:g} seconds."]
    if problems:
        raise Invalid(fields=problems)

"""`smtpconfiguration`: how the server sends mail."""

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import ApiViewSet
from deployments.access.permissions import Permission
from deployments.access.rules import SIGNED_IN
from deployments.access.services.mail_settings import (
    MailSettings,
    mail_settings,
    save_mail_settings,
)
from deployments.base.api.fields import flag, text
from deployments.base.api.serializers import ResourceSerializer

_PATH = "/api/smtpconfiguration"
_TLS_PORT = 465


class SmtpSerializer(ResourceSerializer):
    """What a client sends; `SmtpPassword` is a text or {"HasValue", "NewValue"}."""

    smtp_host = text(allow_null=True)
    smtp_port = serializers.IntegerField(default=25, allow_null=True)
    send_email_from = text(allow_null=True)
    enable_ssl = flag()
    encryption = text()
    smtp_login = text(allow_null=True)
    smtp_password = serializers.JSONField(default=None, allow_null=True)
    timeout = serializers.IntegerField(default=12_000, allow_null=True)


class SmtpViewSet(ApiViewSet):
    """One resource of the server; the password is never read back."""

    permission_map: ClassVar = {
        "retrieve": Permission.ConfigureServer,
        "update": Permission.ConfigureServer,
        "is_configured": SIGNED_IN,
    }

    def retrieve(self, request: Request, **ids: Any) -> Response:
        """Answer with the settings."""
        self.grants.require_system(Permission.ConfigureServer)
        return Response(_resource(mail_settings()))

    def update(self, request: Request, **ids: Any) -> Response:
        """Change the settings."""
        sent = SmtpSerializer(context={"actor": self.actor}).read(request.data)
        port = sent["smtp_port"] or 25
        ssl = "tls" if port == _TLS_PORT else "starttls"
        saved = save_mail_settings(
            actor=self.actor,
            host=sent["smtp_host"] or "",
            port=port,
            sender=sent["send_email_from"] or "",
            encryption=sent["encryption"].lower() or (ssl if sent["enable_ssl"] else "none"),
            username=sent["smtp_login"] or "",
            password=_password(sent["smtp_password"]),
            timeout_s=(sent["timeout"] or 12_000) / 1000,
        )
        return Response(_resource(saved))

    def is_configured(self, request: Request, **ids: Any) -> Response:
        """Answer whether mail can be sent."""
        return Response({"IsConfigured": mail_settings().is_configured})


def _password(sent: Any) -> str | None:
    """Return the new password; None keeps the stored one, as does what was read back."""
    if isinstance(sent, dict):
        if sent.get("HasValue") is False and not sent.get("NewValue"):
            return ""
        sent = sent.get("NewValue")
    return sent if isinstance(sent, str) else None


def _resource(settings: MailSettings) -> dict[str, Any]:
    return {
        "Id": "smtp",
        "SmtpHost": settings.host,
        "SmtpPort": settings.port,
        "SendEmailFrom": settings.sender,
        "EnableSsl": settings.encryption != "none",
        "Encryption": settings.encryption,
        "SmtpLogin": settings.username,
        "SmtpPassword": {"HasValue": settings.has_password, "NewValue": None},
        "Timeout": round(settings.timeout_s * 1000),
        "Links": {"Self": _PATH, "IsConfigured": f"{_PATH}/isconfigured"},
    }

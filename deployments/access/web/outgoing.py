"""Administration: how the server sends mail, and where its requests may go."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods, require_POST

from deployments.access.models import User
from deployments.access.permissions import Permission
from deployments.access.services.mail_settings import (
    ENCRYPTIONS,
    mail_settings,
    save_mail_settings,
    send_test_mail,
)
from deployments.access.services.request_settings import allows_loopback, set_allow_loopback
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, checked, go, show
from deployments.access.web.pages import PageRequest, page
from deployments.base.numbers import whole_number

OUTGOING = "administration/outgoing"


@require_http_methods(["GET", "POST"])
@page(Permission.ConfigureServer)
def outgoing(request: PageRequest) -> HttpResponse:
    """Show what goes out; a POST changes the mail settings."""
    request.grants.require_system(Permission.ConfigureServer)
    if request.method == "GET":
        return _page(request, _stored())
    sent = {name: request.POST.get(name, "").strip() for name in _stored()}
    password = request.POST.get("password", "")
    saved, problems = attempt(
        lambda: save_mail_settings(
            actor=request.actor,
            host=sent["host"],
            port=_number(sent["port"]),
            sender=sent["sender"],
            encryption=sent["encryption"],
            username=sent["username"],
            password="" if checked(request, "no_password") else password or None,
        )
    )
    if saved is None:
        return _page(request, sent, problems)
    messages.success(request, "The mail settings were saved. Send a test mail to try them.")
    return go(request, OUTGOING)


@require_POST
@page(Permission.ConfigureServer)
def mail_test(request: PageRequest) -> HttpResponse:
    """Send a mail to an address."""
    address = request.POST.get("address", "").strip()
    _, problems = attempt(lambda: send_test_mail(actor=request.actor, address=address))
    if problems:
        return _page(request, _stored(), problems, address=address)
    messages.success(request, f"A test mail was sent to {address}.")
    return go(request, OUTGOING)


@require_POST
@page(Permission.ConfigureServer)
def requests(request: PageRequest) -> HttpResponse:
    """Say whether steps may call services on this machine."""
    set_allow_loopback(actor=request.actor, allowed=checked(request, "allow_loopback"))
    messages.success(request, "Where requests may go was saved.")
    return go(request, OUTGOING)


def _stored() -> dict[str, Any]:
    settings = mail_settings()
    return {
        "host": settings.host,
        "port": settings.port,
        "sender": settings.sender,
        "encryption": settings.encryption,
        "username": settings.username,
    }


def _number(text: str) -> int:
    return whole_number(text) or 0


def _page(
    request: PageRequest, sent: dict[str, Any], problems: Problems = NO_PROBLEMS, address: str = ""
) -> HttpResponse:
    user = User.objects.filter(pk=request.actor.user_id or 0).first()
    values = {
        "sent": sent,
        "settings": mail_settings(),
        "encryptions": ENCRYPTIONS,
        "allow_loopback": allows_loopback(),
        "private_networks": _private_networks(),
        "address": address or (user.email if user else ""),
    }
    return show(request, "access/outgoing.html", values, problems)


def _private_networks() -> str:
    networks = settings.OCTOPUS.private_networks
    if networks is None:
        return "all private networks (the setting OCTOPUS_PRIVATE_NETWORKS narrows that)"
    named = ", ".join(map(str, networks)) or "none"
    return f"of private networks {named} (OCTOPUS_PRIVATE_NETWORKS)"

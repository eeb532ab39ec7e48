"""Administration: the providers at which people sign in."""

from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from deployments.access.models import IdentityProvider
from deployments.access.permissions import Permission
from deployments.access.providers.code_flow import redirect_uri
from deployments.access.services.federation.identity_providers import (
    GROUP_CLAIM,
    GROUP_DAYS,
    SCOPES,
    USERNAME_CLAIM,
    ProviderInput,
    create_provider,
    delete_provider,
    set_order,
    try_provider,
    update_provider,
)
from deployments.access.services.federation.ldap_providers import (
    INSTALL,
    is_installed,
    try_directory,
)
from deployments.access.web.federation.directory_settings import (
    PROVIDERS,
    directory_edit,
    find_provider,
    sent_secret,
)
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, checked, go, show
from deployments.access.web.pages import PageRequest, page
from deployments.base import public_ids
from deployments.base.errors import NotFound
from deployments.base.numbers import whole_number

_TEXTS = ("name", "issuer", "client_id", "scopes", "group_claim", "username_claim", "group_days")
_FLAGS = ("is_enabled", "creates_users", "links_by_email")
_NEW = {
    "scopes": SCOPES,
    "group_claim": GROUP_CLAIM,
    "username_claim": USERNAME_CLAIM,
    "group_days": GROUP_DAYS,
    "is_enabled": True,
}


@require_GET
@page(Permission.ConfigureServer)
def provider_list(request: PageRequest) -> HttpResponse:
    """List the providers."""
    request.grants.require_system(Permission.ConfigureServer)
    rows = IdentityProvider.objects.annotate(people=Count("logins"))
    may_change = request.grants.allows_system(Permission.AdministerSystem)
    values = {
        "providers": rows.select_related("directory"),
        "may_change": may_change,
        "has_ldap": is_installed(),
        "install": INSTALL,
    }
    return show(request, "access/providers.html", values)


@require_POST
@page(Permission.AdministerSystem)
def provider_order(request: PageRequest) -> HttpResponse:
    """Move a provider one place up or down on the sign-in page."""
    request.grants.require_system(Permission.AdministerSystem)
    ids = list(IdentityProvider.objects.values_list("pk", flat=True))
    way, _, text = request.POST.get("move", "").partition(":")
    number = public_ids.parse(IdentityProvider.id_prefix, text) or 0
    if number not in ids:
        raise NotFound
    at = ids.index(number)
    to = max(0, min(len(ids) - 1, at + (-1 if way == "up" else 1)))
    ids.insert(to, ids.pop(at))
    set_order(actor=request.actor, ids=ids)
    return go(request, PROVIDERS)


@require_http_methods(["GET", "POST"])
@page(Permission.AdministerSystem)
def provider_new(request: PageRequest) -> HttpResponse:
    """Add a provider."""
    request.grants.require_system(Permission.AdministerSystem)
    if request.method == "GET":
        return _page(request, None, _NEW)
    sent = _sent(request)
    row, problems = attempt(
        lambda: create_provider(
            actor=request.actor, provider=_input(sent), secret=request.POST.get("secret", "")
        )
    )
    if row is None:
        return _page(request, None, sent, problems)
    messages.success(request, f"{row.name} was added. Give it the redirect URI below, then test.")
    return go(request, f"{PROVIDERS}/{row.public_id}")


@require_http_methods(["GET", "POST"])
@page(Permission.AdministerSystem)
def provider_edit(request: PageRequest, provider: str) -> HttpResponse:
    """Change a provider."""
    row = find_provider(request, provider)
    if row.is_directory:
        return directory_edit(request, row)
    if request.method == "GET":
        return _page(request, row, {name: getattr(row, name) for name in (*_TEXTS, *_FLAGS)})
    sent = _sent(request)
    saved, problems = attempt(
        lambda: update_provider(
            actor=request.actor,
            row=row,
            provider=_input(sent),
            secret=sent_secret(request),
        )
    )
    if saved is None:
        return _page(request, find_provider(request, provider), sent, problems)
    messages.success(request, f"{saved.name} was saved.")
    return go(request, f"{PROVIDERS}/{saved.public_id}")


@require_POST
@page(Permission.AdministerSystem)
def provider_test(request: PageRequest, provider: str) -> HttpResponse:
    """Ask the provider for its discovery document, or a directory for somebody."""
    row = find_provider(request, provider)
    username = request.POST.get("username", "")
    found, problems = attempt(
        lambda: (
            try_directory(actor=request.actor, row=row, username=username)
            if row.is_directory
            else try_provider(actor=request.actor, row=row)
        )
    )
    if found is None:
        messages.error(request, problems.errors[0])
    else:
        messages.success(request, found)
    return go(request, f"{PROVIDERS}/{row.public_id}")


@require_POST
@page(Permission.AdministerSystem)
def provider_delete(request: PageRequest, provider: str) -> HttpResponse:
    """Delete a provider."""
    row = find_provider(request, provider)
    name = row.name
    delete_provider(actor=request.actor, row=row)
    messages.success(request, f"{name} was deleted. Its people keep their accounts here.")
    return go(request, PROVIDERS)


def _sent(request: PageRequest) -> dict[str, Any]:
    texts: dict[str, Any] = {name: request.POST.get(name, "") for name in _TEXTS}
    return texts | {name: checked(request, name) for name in _FLAGS}


def _input(sent: dict[str, Any]) -> ProviderInput:
    return ProviderInput(**{**sent, "group_days": whole_number(sent["group_days"]) or 0})


def _page(
    request: PageRequest,
    row: IdentityProvider | None,
    sent: dict[str, Any],
    problems: Problems = NO_PROBLEMS,
) -> HttpResponse:
    values = {
        "provider": row,
        "sent": sent,
        "redirect_uri": redirect_uri(row) if row else "",
        "people": row.logins.count() if row else 0,
    }
    return show(request, "access/provider.html", values, problems)

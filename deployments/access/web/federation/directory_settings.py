"""Administration: the settings of an LDAP directory at which people sign in."""

from dataclasses import fields
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from deployments.access.models import IdentityProvider, LdapDirectory
from deployments.access.permissions import Permission
from deployments.access.services.federation.ldap_providers import (
    INSTALL,
    LdapInput,
    create_directory,
    is_installed,
    update_directory,
)
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, checked, go, show
from deployments.access.web.pages import PageRequest, page
from deployments.base import public_ids
from deployments.base.errors import NotFound
from deployments.base.numbers import whole_number

PROVIDERS = "administration/providers"
_NUMBERS = ("port", "nested_depth", "group_days")
_FLAGS = ("is_enabled", "creates_users", "links_by_email", "deactivates")
_NAMES = tuple(field.name for field in fields(LdapInput))
_TEXTS = tuple(name for name in _NAMES if name not in (*_NUMBERS, *_FLAGS))
_NEW = LdapInput(name="", server="", user_base="")


@require_http_methods(["GET", "POST"])
@page(Permission.AdministerSystem)
def directory_new(request: PageRequest) -> HttpResponse:
    """Add a directory."""
    request.grants.require_system(Permission.AdministerSystem)
    if request.method == "GET":
        return _page(request, None, {name: getattr(_NEW, name) for name in _NAMES})
    sent = _sent(request)
    row, problems = attempt(
        lambda: create_directory(
            actor=request.actor, directory=_input(sent), password=request.POST.get("secret", "")
        )
    )
    if row is None:
        return _page(request, None, sent, problems)
    messages.success(request, f"{row.name} was added. Name somebody below to try it.")
    return go(request, f"{PROVIDERS}/{row.public_id}")


def directory_edit(request: PageRequest, row: IdentityProvider) -> HttpResponse:
    """Show or change a directory that the actor may change."""
    if request.method == "GET":
        return _page(request, row, _stored(row))
    sent = _sent(request)
    saved, problems = attempt(
        lambda: update_directory(
            actor=request.actor,
            row=row,
            directory=_input(sent),
            password=sent_secret(request),
        )
    )
    if saved is None:
        return _page(request, find_provider(request, row.public_id), sent, problems)
    messages.success(request, f"{saved.name} was saved.")
    return go(request, f"{PROVIDERS}/{saved.public_id}")


def find_provider(request: PageRequest, text: str) -> IdentityProvider:
    """Return the provider for somebody who may change it. Raises NotFound, NotPermitted."""
    request.grants.require_system(Permission.AdministerSystem)
    number = public_ids.require(IdentityProvider.id_prefix, text)
    row = IdentityProvider.objects.select_related("directory").filter(pk=number).first()
    if row is None:
        raise NotFound
    return row


def sent_secret(request: PageRequest) -> str | None:
    """Return the secret of the form: None keeps the stored one, an empty text removes it."""
    return "" if checked(request, "no_secret") else request.POST.get("secret") or None


def _stored(row: IdentityProvider) -> dict[str, Any]:
    names = {field.name for field in LdapDirectory._meta.get_fields()}  # noqa: SLF001 Django's own way to ask
    return {name: getattr(row.directory if name in names else row, name) for name in _NAMES}


def _sent(request: PageRequest) -> dict[str, Any]:
    texts: dict[str, Any] = {name: request.POST.get(name, "") for name in (*_TEXTS, *_NUMBERS)}
    return texts | {name: checked(request, name) for name in _FLAGS}


def _input(sent: dict[str, Any]) -> LdapInput:
    numbers = {name: whole_number(sent[name]) for name in _NUMBERS}
    return LdapInput(**{**sent, **{name: -1 if n is None else n for name, n in numbers.items()}})


def _page(
    request: PageRequest,
    row: IdentityProvider | None,
    sent: dict[str, Any],
    problems: Problems = NO_PROBLEMS,
) -> HttpResponse:
    values = {
        "provider": row,
        "sent": sent,
        "securities": LdapDirectory.Security.choices,
        "people": row.logins.count() if row else 0,
        "has_ldap": is_installed(),
        "install": INSTALL,
    }
    return show(request, "access/directory.html", values, problems)

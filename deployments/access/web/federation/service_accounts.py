"""OIDC identities of a service account: which tokens of build servers are as good as its key."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods, require_POST

from deployments.access.models import ExternalLogin, OidcIdentity, User
from deployments.access.permissions import Permission
from deployments.access.providers.access_tokens import issuer
from deployments.access.queries import users_visible_to
from deployments.access.services.federation.external_sign_in import unlink_login
from deployments.access.services.federation.oidc_identities import (
    IdentityInput,
    create_oidc_identity,
    delete_oidc_identity,
    update_oidc_identity,
)
from deployments.access.services.guards import require_over_user
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, carry_out, go, show
from deployments.access.web.pages import PageRequest, page
from deployments.base import public_ids
from deployments.base.errors import NotFound
from deployments.base.numbers import whole_number

_FIELDS = ("name", "issuer", "subject", "audience")


@require_http_methods(["GET", "POST"])
@page(Permission.UserEdit)
def oidc_identities(request: PageRequest, user: str, identity: str = "") -> HttpResponse:
    """List a service account's identities; add one, or change one."""
    account = _account(request, user)
    row = _find(account, identity) if identity else None
    if request.method == "GET":
        sent = {name: getattr(row, name) for name in _FIELDS} if row else {}
        return _page(request, account, row, sent)
    sent = {name: request.POST.get(name, "") for name in _FIELDS}
    wanted = IdentityInput(**sent)
    if row is not None:
        saved, problems = attempt(
            lambda: update_oidc_identity(actor=request.actor, row=row, identity=wanted)
        )
    else:
        saved, problems = attempt(
            lambda: create_oidc_identity(actor=request.actor, user=account, identity=wanted)
        )
    if saved is None:
        shown = _find(account, identity) if identity else None
        return _page(request, account, shown, sent, problems)
    messages.success(request, f"The OIDC identity {saved.name} was saved.")
    return go(request, f"administration/users/{account.public_id}/oidc")


@require_POST
@page(Permission.UserEdit)
def oidc_identity_delete(request: PageRequest, user: str, identity: str) -> HttpResponse:
    """Delete an identity."""
    account = _account(request, user)
    row = _find(account, identity)
    delete_oidc_identity(actor=request.actor, row=row)
    messages.success(request, f"The OIDC identity {row.name} was deleted, and its tokens ended.")
    return go(request, f"administration/users/{account.public_id}/oidc")


@require_POST
@page(Permission.UserEdit)
def login_unlink(request: PageRequest, user: str, login: str) -> HttpResponse:
    """Take an account at a provider from a person."""
    request.grants.require_system(Permission.UserEdit)
    rows = ExternalLogin.objects.select_related("user", "provider")
    number = public_ids.require(User.id_prefix, user)
    row = rows.filter(user=number, pk=whole_number(login) or 0).first()
    if row is None:
        raise NotFound
    require_over_user(request.actor, row.user)
    return carry_out(
        request,
        lambda: unlink_login(actor=request.actor, login=row),
        f"{row.shown_as} was unlinked.",
        to=f"administration/users/{row.user.public_id}",
    )


def _account(request: PageRequest, text: str) -> User:
    request.grants.require_system(Permission.UserEdit)
    number = public_ids.require(User.id_prefix, text)
    row = users_visible_to(request.actor).filter(pk=number, is_service=True).first()
    if row is None:
        raise NotFound
    return row


def _find(user: User, text: str) -> OidcIdentity:
    number = public_ids.require(OidcIdentity.id_prefix, text)
    row = user.oidc_identities.select_related("user").filter(pk=number).first()
    if row is None:
        raise NotFound
    return row


def _page(
    request: PageRequest,
    account: User,
    row: OidcIdentity | None,
    sent: dict[str, Any],
    problems: Problems = NO_PROBLEMS,
) -> HttpResponse:
    values = {
        "account": account,
        "identities": list(account.oidc_identities.all()),
        "edited": row,
        "sent": sent,
        "server_url": issuer(),
    }
    return show(request, "access/oidc_identities.html", values, problems)

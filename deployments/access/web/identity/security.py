"""How one signs in oneself: password and sessions."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_GET, require_POST

from deployments.access.models import BrowserSession, IdentityProvider, Passkey, User
from deployments.access.services.browser_sessions import end_session, end_sessions
from deployments.access.services.second_factors import factors_of
from deployments.access.services.sign_in_rules import sign_in_rules
from deployments.access.services.users import change_password
from deployments.access.sessions import METHODS
from deployments.access.signing_in import webauthn
from deployments.access.signing_in.devices import device_of
from deployments.access.signing_in.session_store import digest
from deployments.access.web.account import AccountRequest, signed_in
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, show
from deployments.base.clock import utc_now
from deployments.base.errors import NotFound

SECURITY = "/app/account/security"


@require_GET
@signed_in
def security_view(request: AccountRequest) -> HttpResponse:
    """Show how one signs in, and where one is signed in."""
    return security_page(request)


@require_POST
@signed_in
def password_view(request: AccountRequest) -> HttpResponse:
    """Change the password; other sessions end."""
    user = request.known_user
    _, problems = attempt(
        lambda: change_password(
            actor=request.actor,
            user=user,
            current=request.POST.get("current", ""),
            password=request.POST.get("password", ""),
            keep_session=this_session(request),
        )
    )
    if problems:
        return security_page(request, problems)
    update_session_auth_hash(request, user)
    messages.success(request, "Your password was changed. Your other sessions have ended.")
    return HttpResponseRedirect(SECURITY)


@require_POST
@signed_in
def end_session_view(request: AccountRequest, session: str) -> HttpResponse:
    """Sign one of one's browsers out."""
    row = BrowserSession.objects.filter(user=request.known_user, pk=session).first()
    if row is None:
        raise NotFound
    end_session(actor=request.actor, session=row)
    messages.success(request, f"{device_of(row.user_agent)} was signed out.")
    return HttpResponseRedirect(SECURITY)


@require_POST
@signed_in
def end_others_view(request: AccountRequest) -> HttpResponse:
    """Sign every other browser out."""
    end_sessions(actor=request.actor, user=request.known_user, keep=this_session(request))
    messages.success(request, "Your other sessions have ended.")
    return HttpResponseRedirect(SECURITY)


def security_page(
    request: AccountRequest, problems: Problems = NO_PROBLEMS, **more: Any
) -> HttpResponse:
    """Return the page, with what a refused form has to say."""
    user = request.known_user
    values = {
        "user": user,
        "sessions": sessions_of(user, this_session(request)),
        "factors": factors_of(user),
        "passkeys": Passkey.objects.filter(user=user),
        "passkeys_possible": webauthn.are_possible(),
        "is_demanded": sign_in_rules().require_second_factor,
        **_linked_accounts(user),
        **more,
    }
    return show(request, "access/security.html", values, problems)


def _linked_accounts(user: User) -> dict[str, Any]:
    logins = list(user.external_logins.select_related("provider"))
    known = [login.provider_id for login in logins]
    others = IdentityProvider.objects.filter(is_enabled=True).exclude(pk__in=known)
    return {"logins": logins, "linkable": list(others)}


def sessions_of(user: User, this: str = "") -> list[dict[str, Any]]:
    """Return the sessions of a user as pages show them, `this` one first."""
    rows = BrowserSession.objects.filter(user=user, expire_date__gt=utc_now())
    shown = [
        {
            "row": row,
            "device": device_of(row.user_agent),
            "method": METHODS.get(row.method, row.method),
            "is_this": row.pk == this,
        }
        for row in rows
    ]
    return sorted(shown, key=lambda each: not each["is_this"])


def this_session(request: HttpRequest) -> str:
    """Return the row of the request's session; nothing for requests with a key."""
    key = request.session.session_key
    return digest(key) if key else ""

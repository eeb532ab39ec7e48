"""One's own authenticator app and recovery codes."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_http_methods, require_POST

from deployments.access.models import Authenticator
from deployments.access.services.second_factors import (
    app_begun,
    begin_app,
    confirm_app,
    new_recovery_codes,
    remove_app,
    require_identity,
    secret_of,
)
from deployments.access.signing_in import totp
from deployments.access.web.account import AccountRequest, signed_in
from deployments.access.web.forms import attempt, refusal, show
from deployments.access.web.identity.security import SECURITY, security_page, this_session
from deployments.base.errors import Invalid

APP = "/app/account/authenticator"
BEGUN = "app_begun"  # the key of the session under which it says which app it began


@require_http_methods(["GET", "POST"])
@signed_in
def app_view(request: AccountRequest) -> HttpResponse:
    """Show the QR code of an app to be confirmed; take its first code."""
    user = request.known_user
    begun = request.session.get(BEGUN)
    row = app_begun(user, begun)
    if row is None:
        return HttpResponseRedirect(SECURITY)
    values = {"user": user, **app_values(row)}
    if request.method == "GET":
        return _unkept(show(request, "access/authenticator.html", values))
    codes, problems = attempt(
        lambda: confirm_app(
            actor=request.actor, user=user, code=request.POST.get("code", ""), begun=begun
        )
    )
    if codes is None:
        return _unkept(show(request, "access/authenticator.html", values, problems))
    messages.success(request, "From now on you sign in with a code of the app.")
    return _unkept(show(request, "access/recovery_codes.html", {"user": user, "codes": codes}))


@require_POST
@signed_in
def app_begin_view(request: AccountRequest) -> HttpResponse:
    """Make the secret of a new app."""
    user = request.known_user

    def begin() -> None:
        require_identity(user, request.POST.get("password", ""), this_session(request))
        request.session[BEGUN] = begin_app(actor=request.actor, user=user)

    problems = refusal(begin)
    if problems:
        return security_page(request, problems, refused="app")
    return HttpResponseRedirect(APP)


@require_POST
@signed_in
def app_remove_view(request: AccountRequest) -> HttpResponse:
    """Sign in without the app from now on."""
    problems = refusal(
        lambda: remove_app(
            actor=request.actor,
            user=request.known_user,
            password=request.POST.get("password", ""),
            session=this_session(request),
        )
    )
    if problems:
        return security_page(request, problems, refused="app")
    messages.success(request, "The authenticator app is no longer asked for.")
    return HttpResponseRedirect(SECURITY)


@require_POST
@signed_in
def recovery_codes_view(request: AccountRequest) -> HttpResponse:
    """Replace the recovery codes and show them this once."""
    user = request.known_user
    codes, problems = attempt(
        lambda: new_recovery_codes(
            actor=request.actor,
            user=user,
            password=request.POST.get("password", ""),
            session=this_session(request),
        )
    )
    if codes is None:
        return security_page(request, problems, refused="codes")
    return _unkept(show(request, "access/recovery_codes.html", {"user": user, "codes": codes}))


def app_values(row: Authenticator) -> dict[str, Any]:
    """Return what a page needs to enrol an app: the QR code and the secret by hand."""
    if row.confirmed is not None:
        raise Invalid("The app is confirmed; its secret is not shown again.")
    secret = secret_of(row)
    issuer = f"Octopus {str(settings.OCTOPUS.server_url).partition('://')[2]}"
    uri = totp.enrolment_uri(secret, account=row.user.username, issuer=issuer.replace(":", " "))
    return {"qr": totp.qr_image(uri), "secret": totp.secret_text(secret), "uri": uri}


def _unkept(answer: HttpResponse) -> HttpResponse:
    answer.headers["Cache-Control"] = "no-store"
    return answer

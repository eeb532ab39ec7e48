"""Signing in with more than a password: the code after it, setting an app up, passkeys."""

from datetime import timedelta
from typing import Literal

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.views.decorators.http import require_http_methods, require_POST

from deployments.access import sessions
from deployments.access.actors import actor_of
from deployments.access.rules import ANONYMOUS
from deployments.access.services.passkeys import user_of_passkey
from deployments.access.services.second_factors import (
    app_begun,
    begin_app,
    confirm_app,
    factors_of,
    need_after_password,
)
from deployments.access.signing_in import half_way, webauthn
from deployments.access.web.csrf import token_of_request
from deployments.access.web.forms import attempt, checked, show
from deployments.access.web.identity.apps import BEGUN, app_values
from deployments.access.web.sign_in import safe_way_back, server_name
from deployments.base.clock import utc_now
from deployments.base.errors import Invalid

PASSKEY = "passkey"  # the key of the session under which a question to a browser stands
Purpose = Literal["add", "sign in"]
_ANSWERED_WITHIN = timedelta(minutes=5)
_TOO_LONG = "This took too long. Try again."


@require_http_methods(["GET", "POST"])
def second_step_view(request: HttpRequest) -> HttpResponse:
    """Ask for the code of the app, or a recovery code, after a right password."""
    half = half_way.current(request)
    if half is None or need_after_password(half.user) not in {"code", "passkey"}:
        return HttpResponseRedirect(settings.LOGIN_URL)
    factors = factors_of(half.user)
    values = {
        "factors": factors,
        "passkeys": factors.passkeys and webauthn.are_possible(),
        "username": half.user.username,
        "next": half.wanted,
        "server": server_name(),
    }
    if request.method == "GET":
        return show(request, "access/second_step.html", values)
    method, problems = attempt(
        lambda: sessions.check_factor(request, half.user, request.POST.get("code", ""))
    )
    if method is None:
        return show(request, "access/second_step.html", values, problems)
    sessions.start_session(request, half.user, remember=half.remember, method=method)
    return HttpResponseRedirect(half.wanted)


@require_http_methods(["GET", "POST"])
def set_up_view(request: HttpRequest) -> HttpResponse:
    """Set an app up before the first session, where the server demands a second factor."""
    half = half_way.current(request)
    if half is None or need_after_password(half.user) != "set_up":
        return HttpResponseRedirect(settings.LOGIN_URL)
    actor = actor_of(half.user, "Session", ip_address=request.META.get("REMOTE_ADDR", ""))
    values = {"server": server_name(), "begins": True}
    begun = request.session.get(BEGUN)
    row = app_begun(half.user, begun)
    if request.method == "GET":
        more = app_values(row) if row else {}
        return show(request, "access/set_up.html", {**values, **more})
    if "code" not in request.POST:
        request.session[BEGUN], _ = attempt(lambda: begin_app(actor=actor, user=half.user))
        return HttpResponseRedirect(request.path)
    codes, problems = attempt(
        lambda: confirm_app(actor=actor, user=half.user, code=request.POST["code"], begun=begun)
    )
    if codes is None:
        more = app_values(row) if row else {}
        return show(request, "access/set_up.html", {**values, **more}, problems)
    sessions.start_session(request, half.user, remember=half.remember, method="code")
    answer = show(request, "access/set_up.html", {**values, "codes": codes, "next": half.wanted})
    answer.headers["Cache-Control"] = "no-store"
    return answer


@require_POST
def passkey_options_view(request: HttpRequest) -> HttpResponse:
    """Tell a browser what to sign with a passkey; the question is good for one answer."""
    options, state = webauthn.assertion()
    ask(request, state, to="sign in")
    return JsonResponse({"options": options, "csrf_token": token_of_request(request)})


@require_POST
def passkey_sign_in_view(request: HttpRequest) -> HttpResponse:
    """Sign in with a passkey, which is a second factor by itself."""
    wanted = safe_way_back(request.POST.get("next", ""))
    user, problems = attempt(
        lambda: user_of_passkey(
            answer=request.POST.get("answer", ""), state=take_question(request, to="sign in")
        )
    )
    if user is None:
        sessions.record_failure(request, "", "a passkey was not accepted")
        values = {"passkeys": True, "next": wanted, "server": server_name(), "username": ""}
        return show(request, "access/sign_in.html", values, problems)
    remember = checked(request, "keep")
    sessions.start_session(request, user, remember=remember, method="passkey")
    return HttpResponseRedirect(wanted)


def ask(request: HttpRequest, state: webauthn.Json, *, to: Purpose) -> None:
    """Keep in the session what a browser was asked, so that its answer can be checked.

    Adding asks for the password first and signing in asks nothing: one must not pass for the other.
    """
    until = (utc_now() + _ANSWERED_WITHIN).timestamp()
    request.session[PASSKEY] = {"to": to, "until": until, "state": state}
    request.session.save()


def take_question(request: HttpRequest, *, to: Purpose) -> webauthn.Json:
    """Return what the browser was asked to this end, once. Raises Invalid."""
    asked = request.session.pop(PASSKEY, None)
    if not isinstance(asked, dict) or asked.get("to") != to:
        raise Invalid(_TOO_LONG)
    if asked["until"] < utc_now().timestamp():
        raise Invalid(_TOO_LONG)
    state: webauthn.Json = asked["state"]
    return state


for _view in (second_step_view, set_up_view, passkey_options_view, passkey_sign_in_view):
    _view.permission = ANONYMOUS  # type: ignore[attr-defined]  # read by the enumerating test

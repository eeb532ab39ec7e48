"""One's own profile, theme, password and API keys."""

from datetime import timedelta
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_http_methods, require_POST

from deployments.access import services
from deployments.access.models import ApiKey, User
from deployments.access.rules import SIGNED_IN
from deployments.access.services.api_keys import DEFAULT_DAYS
from deployments.access.services.profiles import THEMES, set_theme
from deployments.access.spaces import visible_spaces
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, show
from deployments.base import public_ids
from deployments.base.actor import Actor
from deployments.base.clock import utc_now
from deployments.base.errors import Invalid, NotAuthenticated, NotFound

PROFILE = "/app/account"
KEYS = "/app/account/api-keys"
LIVES = ((30, "30 days"), (DEFAULT_DAYS, "180 days"), (365, "1 year"), (1095, "3 years"))


class AccountRequest(HttpRequest):
    """A request of somebody who is signed in."""

    actor: Actor
    known_user: User


def signed_in(view: Any) -> Any:
    """Guard a view outside of spaces; the frame shows the first space of the actor."""

    @wraps(view)
    def guarded(request: Any, **kwargs: Any) -> HttpResponse:
        if not request.actor:
            raise NotAuthenticated
        spaces = visible_spaces(request.actor).order_by("-is_default", "name")
        request.space = spaces.first()
        answer: HttpResponse = view(request, **kwargs)
        return answer

    guarded.permission = SIGNED_IN  # type: ignore[attr-defined]  # read by the enumerating test
    return guarded


@require_http_methods(["GET", "POST"])
@signed_in
def profile_view(request: AccountRequest) -> HttpResponse:
    """Show and change name and mail address."""
    user = request.known_user
    values = {"user": user, "themes": THEMES, "name": user.display_name, "email": user.email}
    if request.method == "GET":
        return show(request, "access/profile.html", values)
    name, email = request.POST.get("display_name", ""), request.POST.get("email", "")
    _, problems = attempt(
        lambda: services.update_user(actor=request.actor, user=user, display_name=name, email=email)
    )
    if problems:
        return show(
            request, "access/profile.html", {**values, "name": name, "email": email}, problems
        )
    messages.success(request, "Your profile was saved.")
    return HttpResponseRedirect(PROFILE)


@require_POST
@signed_in
def password_view(request: AccountRequest) -> HttpResponse:
    """Change the password; other sessions end."""
    user = request.known_user

    def change() -> None:
        if not user.check_password(request.POST.get("current", "")):
            raise Invalid(fields={"Current": ["This is not your current password."]})
        if not request.POST.get("password"):
            raise Invalid(fields={"Password": ["A new password is required."]})
        services.update_user(
            actor=request.actor,
            user=user,
            display_name=user.display_name,
            email=user.email,
            password=request.POST["password"],
        )

    _, problems = attempt(change)
    if problems:
        values = {"user": user, "themes": THEMES, "name": user.display_name, "email": user.email}
        return show(request, "access/profile.html", values, problems)
    update_session_auth_hash(request, user)
    messages.success(request, "Your password was changed. Your other sessions have ended.")
    return HttpResponseRedirect(PROFILE)


@require_POST
@signed_in
def theme_view(request: AccountRequest) -> HttpResponse:
    """Keep the theme for all browsers."""
    set_theme(actor=request.actor, user=request.known_user, theme=request.POST.get("theme", ""))
    messages.success(request, "Your theme was saved.")
    return HttpResponseRedirect(PROFILE)


@require_http_methods(["GET", "POST"])
@signed_in
def api_keys_view(request: AccountRequest) -> HttpResponse:
    """List one's keys; create one and show it this once."""
    if request.method == "GET":
        return _keys_page(request, NO_PROBLEMS)
    days = request.POST.get("days", "")
    known = {str(number): number for number, _ in LIVES}
    created, problems = attempt(
        lambda: services.create_api_key(
            actor=request.actor,
            user=request.known_user,
            purpose=request.POST.get("purpose", ""),
            expires=utc_now() + timedelta(days=known.get(days, DEFAULT_DAYS)),
        )
    )
    key = created.key.reveal() if created else ""
    answer = _keys_page(request, problems, created_key=key)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@require_POST
@signed_in
def revoke_view(request: AccountRequest, key: str) -> HttpResponse:
    """Revoke one of one's keys."""
    number = public_ids.require("apikeys", key)
    row = ApiKey.objects.filter(user=request.known_user, pk=number).first()
    if row is None:
        raise NotFound
    services.revoke_api_key(actor=request.actor, api_key=row)
    messages.success(request, f"The key {row.hint}… no longer works.")
    return HttpResponseRedirect(KEYS)


def _keys_page(
    request: AccountRequest, problems: Problems, *, created_key: str = ""
) -> HttpResponse:
    values = {
        "user": request.known_user,
        "keys": ApiKey.objects.filter(user=request.known_user),
        "created_key": created_key,
        "lives": LIVES,
        "default_days": DEFAULT_DAYS,
        "purpose": request.POST.get("purpose", "") if problems else "",
        "now": utc_now(),
    }
    return show(request, "access/api_keys.html", values, problems)

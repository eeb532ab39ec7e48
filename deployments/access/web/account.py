"""One's own profile, theme and API keys."""

from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_http_methods, require_POST

from deployments.access import services
from deployments.access.models import ApiKey, User
from deployments.access.rules import SIGNED_IN
from deployments.access.services.profiles import THEMES, set_theme
from deployments.access.services.sign_in_rules import SignInRules, sign_in_rules
from deployments.access.spaces import visible_spaces
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, show
from deployments.base import public_ids
from deployments.base.actor import Actor
from deployments.base.clock import utc_now
from deployments.base.errors import NotAuthenticated, NotFound
from deployments.base.numbers import whole_number

PROFILE = "/app/account"
KEYS = "/app/account/api-keys"
_LIVES = {30: "30 days", 90: "90 days", 180: "180 days", 365: "1 year", 1095: "3 years"}


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
    rules = sign_in_rules()
    created, problems = attempt(
        lambda: services.create_api_key(
            actor=request.actor,
            user=request.known_user,
            purpose=request.POST.get("purpose", ""),
            expires=chosen_end(request, rules),
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
    rules = sign_in_rules()
    values = {
        "user": request.known_user,
        "may_have": rules.people_have_keys or request.known_user.is_service,
        "keys": ApiKey.objects.filter(user=request.known_user),
        "created_key": created_key,
        "lives": lives(rules),
        "default_days": rules.key_days,
        "purpose": request.POST.get("purpose", "") if problems else "",
        "now": utc_now(),
    }
    return show(request, "access/api_keys.html", values, problems)


def lives(rules: SignInRules) -> list[tuple[int, str]]:
    """Return how long a new key may live, in days and in words."""
    known = {days: words for days, words in _LIVES.items() if days <= rules.key_most_days}
    known.setdefault(rules.key_days, f"{rules.key_days} days")
    return sorted(known.items())


def chosen_end(request: HttpRequest, rules: SignInRules) -> datetime:
    """Return when the key ends that the form asks for."""
    days = whole_number(request.POST.get("days"))
    return utc_now() + timedelta(days=days if days in dict(lives(rules)) else rules.key_days)

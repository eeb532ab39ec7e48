"""Administration of people and service accounts."""

from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from deployments.access import services
from deployments.access.models import ApiKey, User
from deployments.access.permissions import Permission
from deployments.access.queries import matching_users, teams_visible_to, users_visible_to
from deployments.access.services.browser_sessions import end_sessions
from deployments.access.services.second_factors import factors_of, reset_factors
from deployments.access.services.sign_in_rules import sign_in_rules
from deployments.access.web.account import chosen_end, lives
from deployments.access.web.forms import (
    NO_PROBLEMS,
    Problems,
    attempt,
    checked,
    filters_of,
    go,
    page_of,
    show,
)
from deployments.access.web.identity.security import sessions_of
from deployments.access.web.pages import PageRequest, page
from deployments.base import public_ids
from deployments.base.clock import utc_now
from deployments.base.errors import NotFound

USERS: Final = "administration/users"
KINDS: Final = (("", "All kinds"), ("people", "People"), ("service", "Service accounts"))
STATES: Final = (("", "All states"), ("active", "Active"), ("deactivated", "Deactivated"))


@require_GET
@page(Permission.UserView)
def user_list(request: PageRequest) -> HttpResponse:
    """List people and service accounts."""
    chosen = filters_of(request)
    rows = matching_users(
        users_visible_to(request.actor), chosen["q"], kind=chosen["kind"], state=chosen["state"]
    )
    values = {
        "page": page_of(request, rows.order_by("username")),
        "chosen": chosen,
        "kinds": KINDS,
        "states": STATES,
        "is_filtered": any(chosen[name] for name in ("q", "kind", "state")),
        "may_edit": request.grants.allows_system(Permission.UserEdit),
        "may_invite": request.grants.allows_system(Permission.UserInvite),
    }
    return show(request, "access/users.html", values)


@require_http_methods(["GET", "POST"])
@page(Permission.UserEdit)
def user_new(request: PageRequest) -> HttpResponse:
    """Create a person or a service account."""
    if request.method == "GET":
        return _user_page(request, None, {"is_service": request.GET.get("kind") == "service"})
    sent = _sent(request)
    user, problems = attempt(
        lambda: services.create_user(
            actor=request.actor,
            username=sent["username"],
            display_name=sent["display_name"],
            email=sent["email"],
            password=request.POST.get("password", ""),
            is_service=sent["is_service"],
        )
    )
    if user is None:
        return _user_page(request, None, sent, problems)
    if user.is_service:
        messages.success(
            request, f"The service account {user.username} was created. Give it a key."
        )
        return go(request, f"{USERS}/{user.public_id}")
    messages.success(request, f"The user {user.username} was created. A team gives them roles.")
    return go(request, USERS)


@require_http_methods(["GET", "POST"])
@page(Permission.UserEdit)
def user_edit(request: PageRequest, user: str) -> HttpResponse:
    """Change a user, or deactivate them."""
    row = _find(request, user)
    if request.method == "GET":
        return _user_page(request, row, _stored(row))
    sent = _sent(request)
    saved, problems = attempt(
        lambda: services.update_user(
            actor=request.actor,
            user=_find(request, user),
            username=sent["username"],
            display_name=sent["display_name"],
            email=sent["email"],
            password=request.POST.get("password", ""),
            is_active=sent["is_active"],
        )
    )
    if saved is None:
        return _user_page(request, row, sent, problems)
    messages.success(request, f"The user {saved.username} was saved.")
    return go(request, USERS)


@require_POST
@page(Permission.UserEdit)
def user_sessions_end(request: PageRequest, user: str) -> HttpResponse:
    """Sign a user out of every browser."""
    row = _find(request, user)
    count = end_sessions(actor=request.actor, user=row)
    ended = "One session was" if count == 1 else f"{count} sessions were"
    messages.success(request, f"{ended} ended.")
    return go(request, f"{USERS}/{row.public_id}")


@require_POST
@page(Permission.UserEdit)
def user_factors_reset(request: PageRequest, user: str) -> HttpResponse:
    """Take the second factors from a user who has lost theirs."""
    row = _find(request, user)
    _, problems = attempt(lambda: reset_factors(actor=request.actor, user=row))
    if problems:
        return _user_page(request, row, _stored(row), problems)
    messages.success(request, f"{row.username} signs in with the password alone now.")
    return go(request, f"{USERS}/{row.public_id}")


@require_POST
@page(Permission.UserEdit)
def user_key_new(request: PageRequest, user: str) -> HttpResponse:
    """Create a key of a service account and show it this once."""
    row = _find(request, user)
    created, problems = attempt(
        lambda: services.create_api_key(
            actor=request.actor,
            user=row,
            purpose=request.POST.get("purpose", ""),
            expires=chosen_end(request, sign_in_rules()),
        )
    )
    more = {
        "created_key": created.key.reveal() if created else "",
        "purpose": request.POST.get("purpose", "") if problems else "",
    }
    answer = _user_page(request, row, _stored(row), problems, **more)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@require_POST
@page(Permission.UserEdit)
def user_key_revoke(request: PageRequest, user: str, key: str) -> HttpResponse:
    """Revoke a key of a user."""
    row = _find(request, user)
    number = public_ids.require("apikeys", key)
    found = ApiKey.objects.filter(user=row, pk=number).first()
    if found is None:
        raise NotFound
    services.revoke_api_key(actor=request.actor, api_key=found)
    messages.success(request, f"The key {found.hint}… no longer works.")
    return go(request, f"{USERS}/{row.public_id}")


def _find(request: PageRequest, text: str) -> User:
    number = public_ids.require(User.id_prefix, text)
    row = users_visible_to(request.actor).filter(pk=number).first()
    if row is None:
        raise NotFound
    return row


def _stored(row: User) -> dict[str, Any]:
    return {
        "username": row.username,
        "display_name": row.display_name,
        "email": row.email,
        "is_active": row.is_active,
    }


def _sent(request: PageRequest) -> dict[str, Any]:
    return {
        "username": request.POST.get("username", ""),
        "display_name": request.POST.get("display_name", ""),
        "email": request.POST.get("email", ""),
        "is_service": request.POST.get("kind") == "service",
        "is_active": checked(request, "is_active"),
    }


def _user_page(
    request: PageRequest,
    user: User | None,
    sent: dict[str, Any],
    problems: Problems = NO_PROBLEMS,
    **more: Any,
) -> HttpResponse:
    values = {"edited": user, "sent": sent, "is_self": False, **more}
    if user is not None:
        rules = sign_in_rules()
        teams = teams_visible_to(request.actor, request.space)
        values |= {
            "is_self": user.pk == request.actor.user_id,
            "teams": [team for team in teams if team.everyone or user in team.users.all()],
            "sessions": sessions_of(user),
            "factors": factors_of(user),
            "keys": ApiKey.objects.filter(user=user),
            "lives": lives(rules),
            "default_days": rules.key_days,
            "now": utc_now(),
        }
    return show(request, "access/user.html", values, problems)

"""Administration: where its pages are, and users."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_GET, require_http_methods

from deployments.access import services
from deployments.access.grants import Grants
from deployments.access.models import User
from deployments.access.permissions import Permission
from deployments.access.queries import teams_visible_to, users_visible_to
from deployments.access.rules import SIGNED_IN
from deployments.access.web.forms import (
    NO_PROBLEMS,
    Problems,
    attempt,
    checked,
    go,
    page_of,
    show,
)
from deployments.access.web.pages import PageRequest, page
from deployments.base import public_ids
from deployments.base.errors import NotFound

USERS = "administration/users"
# (label, path below administration, permission, whether it is one of the server)
PLACES = (
    ("Users", "users", Permission.UserView, True),
    ("Teams", "teams", Permission.TeamView, False),
    ("Roles", "roles", Permission.UserRoleView, True),
    ("Direct grants", "grants", Permission.TeamView, False),
    ("Permissions", "permissions", Permission.TeamView, False),
    ("Retention", "retention", Permission.RetentionAdminister, False),
    ("Audit", "audit", Permission.EventView, False),
    ("Freezes", "freezes", Permission.ProjectView, False),
    ("Outgoing", "outgoing", Permission.ConfigureServer, True),
    ("Logs", "logs", Permission.ConfigureServer, True),
)


def administration_places(grants: Grants) -> list[tuple[str, str]]:
    """Return label and path of the pages that the actor may see."""
    return [
        (label, path)
        for label, path, permission, is_system in PLACES
        if (grants.allows_system(permission) if is_system else grants.allows_anywhere(permission))
    ]


@require_GET
@page(SIGNED_IN)
def administration_home(request: PageRequest) -> HttpResponse:
    """Send people to the first page that they may see."""
    places = administration_places(request.grants)
    if not places:
        raise NotFound
    return go(request, f"administration/{places[0][1]}")


@require_GET
@page(Permission.UserView)
def user_list(request: PageRequest) -> HttpResponse:
    """List people and service accounts."""
    text = request.GET.get("q", "").strip()
    rows = users_visible_to(request.actor)
    if text:
        rows = rows.filter(username__icontains=text) | rows.filter(display_name__icontains=text)
    values = {
        "page": page_of(request, rows.order_by("username")),
        "text": text,
        "may_edit": request.grants.allows_system(Permission.UserEdit),
    }
    return show(request, "access/users.html", values)


@require_http_methods(["GET", "POST"])
@page(Permission.UserEdit)
def user_new(request: PageRequest) -> HttpResponse:
    """Create a person or a service account."""
    if request.method == "GET":
        return _user_page(request, None, {})
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
    messages.success(request, f"The user {user.username} was created. A team gives them roles.")
    return go(request, USERS)


@require_http_methods(["GET", "POST"])
@page(Permission.UserEdit)
def user_edit(request: PageRequest, user: str) -> HttpResponse:
    """Change a user, or deactivate them."""
    row = _find(request, user)
    if request.method == "GET":
        stored = {
            "username": row.username,
            "display_name": row.display_name,
            "email": row.email,
            "is_active": row.is_active,
        }
        return _user_page(request, row, stored)
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


def _find(request: PageRequest, text: str) -> User:
    number = public_ids.require(User.id_prefix, text)
    row = users_visible_to(request.actor).filter(pk=number).first()
    if row is None:
        raise NotFound
    return row


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
) -> HttpResponse:
    teams = [] if user is None else teams_visible_to(request.actor, request.space)
    values = {
        "edited": user,
        "sent": sent,
        "is_self": user and user.pk == request.actor.user_id,
        "teams": [team for team in teams if team.everyone or user in team.users.all()],
    }
    return show(request, "access/user.html", values, problems)

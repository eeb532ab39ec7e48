"""Test permissions: what anybody may do, where, and through which team and role."""

from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from deployments.access import queries
from deployments.access.actors import actor_of
from deployments.access.effective import Held, applies, as_csv, held_by, teams_of
from deployments.access.effective.texts import describe
from deployments.access.grants import load_grants
from deployments.access.models import User
from deployments.access.permissions import SPACE, Permission, dimensions
from deployments.access.rules import SIGNED_IN
from deployments.access.scope_values import ScopeNames, visible_names
from deployments.access.web.forms import show
from deployments.access.web.pages import PageRequest, page
from deployments.access.web.people import people_to_choose
from deployments.access.web.who_can import who_has
from deployments.base import public_ids
from deployments.base.errors import NotFound, NotPermitted

_ASKED = ("project", "environment", "tenant")
# What is about groups of projects is not asked about one project.
_ASKABLE = tuple(p for p in Permission if p in SPACE and "project_group" not in dimensions(p))


@dataclass(frozen=True)
class Question:
    """Whether a user holds a permission on one thing; empty ids are what the thing has none of."""

    permission: str
    ids: dict[str, str]


@require_GET
@page(SIGNED_IN)
def permissions_of(request: PageRequest) -> HttpResponse:
    """Show what a user may do in the space; with a question, whether they may do that."""
    user = _user(request)
    rows = _rows(request, user)
    names = visible_names(request.actor, request.space, _ASKED)
    question = _question(request, names)
    text = request.GET.get("q", "").strip()
    if text:
        rows = [row for row in rows if text.lower() in f"{row.permission} {row.team}".lower()]
    may_choose = request.grants.allows(Permission.TeamView)
    values = {
        "user": user,
        "teams": teams_of(user),
        "may_choose": may_choose,
        "people": people_to_choose(request, deactivated=True) if may_choose else None,
        "held": [
            (permission, describe(permission), list(ways))
            for permission, ways in groupby(rows, key=lambda row: row.permission)
        ],
        "text": text,
        "permissions": _ASKABLE,
        "kinds": [(kind, list(names.of(kind).items())) for kind in _ASKED],
        "question": question,
        "verdict": _verdict(request, user, question) if question else None,
    }
    return show(request, "access/permissions.html", values)


@require_GET
@page(SIGNED_IN)
def permissions_csv(request: PageRequest) -> HttpResponse:
    """Download what a user may do."""
    user = _user(request)
    answer = HttpResponse(as_csv(_rows(request, user)), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="permissions-{user.public_id}.csv"'
    return answer


def _rows(request: PageRequest, user: User) -> list[Held]:
    return held_by(request.actor, user, request.space)


def _user(request: PageRequest) -> User:
    """Return oneself, or with UserView and TeamView anybody by id or user name."""
    text = request.GET.get("user", "").strip()
    rows = queries.users_visible_to(request.actor)
    number = public_ids.parse(User.id_prefix, text) if text else request.actor.user_id
    found = rows.filter(pk=number) if number is not None else rows.filter(username__iexact=text)
    user = found.first()
    if user is None:
        raise NotFound
    if user.pk != request.actor.user_id and not request.grants.allows(Permission.TeamView):
        raise NotPermitted(Permission.TeamView)
    return user


def _question(request: PageRequest, names: ScopeNames) -> Question | None:
    permission = request.GET.get("permission", "")
    if permission not in _ASKABLE:
        return None
    ids = {kind: request.GET.get(kind, "") for kind in _ASKED}
    if any(text and text not in names.of(kind) for kind, text in ids.items()):
        raise NotFound
    return Question(permission, ids)


def _verdict(request: PageRequest, user: User, question: Question) -> dict[str, Any]:
    """Say whether the user holds the permission there, why not, and who does."""
    numbers = {
        kind: public_ids.require(f"{kind.title()}s", text) if text else None
        for kind, text in question.ids.items()
    }
    grants = load_grants(actor_of(user, "Session"), request.space)
    is_held = user.is_active and grants.allows(question.permission, **numbers)
    ways = [row for row in _rows(request, user) if row.permission == question.permission]
    return {
        "is_held": is_held,
        "is_active": user.is_active,
        "ways": [row for row in ways if not row.is_system],
        "ignored": [
            kind
            for kind, text in question.ids.items()
            if text and not applies(kind, question.permission)
        ],
        "holders": "" if is_held else who_has(request, question.permission, **numbers),
    }

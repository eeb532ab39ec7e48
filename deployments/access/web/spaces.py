"""Spaces: choosing one, and their administration."""

from collections.abc import Collection, Iterable
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from deployments.access import queries, services
from deployments.access.grants import load_grants
from deployments.access.models import Team, User
from deployments.access.permissions import Permission
from deployments.access.services.spaces import managers_team
from deployments.access.spaces import space_by_id, visible_spaces
from deployments.access.web.account import AccountRequest, signed_in
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, checked, go, refusal, show
from deployments.access.web.pages import PageRequest, page
from deployments.access.web.people import people_to_choose
from deployments.base import public_ids
from deployments.base.errors import NotFound
from deployments.base.models import Space
from deployments.base.services.spaces import objections_to_deletion

SPACES = "administration/spaces"


@require_GET
@signed_in
def space_choice(request: AccountRequest) -> HttpResponse:
    """Let people choose among the spaces that they may enter."""
    return show(request, "access/space_choice.html", {"spaces": visible_spaces(request.actor)})


@require_GET
@page(Permission.SpaceView)
def space_list(request: PageRequest) -> HttpResponse:
    """Show all spaces with who manages them."""
    spaces = list(visible_spaces(request.actor))
    managers = queries.managers_of(spaces)
    ids = [name for each in managers.values() for name in (*each.teams, *each.users)]
    names = queries.names_of_managers(request.actor, ids)
    rows = []
    for space in spaces:
        found = managers[space.pk]
        own = f"teams-spacemanagers-{space.public_id}"
        shown = [*(each for each in found.teams if each != own), *found.users]
        known = [names[each] for each in shown if each in names]
        rows.append((space, known, len(shown) - len(known)))
    may_create = request.grants.allows_system(Permission.SpaceCreate)
    values = {"rows": rows, "may_create": may_create}
    return show(request, "access/spaces.html", values)


@require_http_methods(["GET", "POST"])
@page(Permission.SpaceCreate)
def space_new(request: PageRequest) -> HttpResponse:
    """Create a space with everything that belongs into one."""
    if request.method == "GET":
        actor = request.actor.user_id
        return _space_page(request, None, {"people": [f"Users-{actor}"] if actor else []})
    sent = _sent(request)
    space, problems = attempt(
        lambda: services.create_space(actor=request.actor, **_arguments(request, sent))
    )
    if space is None:
        return _space_page(request, None, sent, problems)
    messages.success(request, f"The space {space.name} was created.")
    return go(request, f"{SPACES}/{space.public_id}")


@require_http_methods(["GET", "POST"])
@page(Permission.SpaceView)
def space_page(request: PageRequest, found: str) -> HttpResponse:
    """Show a space; change it and who manages it."""
    row = _find(request, found)
    managers = queries.managers_of([row])[row.pk]
    if request.method == "POST":
        load_grants(request.actor, None).require_system(Permission.SpaceEdit)
    else:
        stored = {
            "name": row.name,
            "description": row.description,
            "is_default": row.is_default,
            "task_queue_stopped": row.task_queue_stopped,
            "people": managers.users,
            "teams": managers.teams,
        }
        return _space_page(request, row, stored)
    sent = _sent(request)
    shown = {team.public_id for team in _teams_shown(request, row)}
    sent["teams"] += [name for name in managers.teams if name not in shown]
    saved, problems = attempt(
        lambda: services.update_space(
            actor=request.actor,
            space=_find(request, found),
            **_arguments(request, sent, row),
        )
    )
    if saved is None:
        return _space_page(request, row, sent, problems)
    messages.success(request, f"The space {saved.name} was saved.")
    return go(request, f"{SPACES}/{saved.public_id}")


@require_POST
@page(Permission.SpaceDelete)
def space_delete(request: PageRequest, found: str) -> HttpResponse:
    """Delete a space whose name was typed."""
    row = _find(request, found)
    name = row.name
    if request.POST.get("confirm", "").strip() != name:
        messages.error(request, f"Type the name of the space, {name}, to delete it.")
        return go(request, f"{SPACES}/{row.public_id}")
    if problems := refusal(lambda: services.delete_space(actor=request.actor, space=row)):
        messages.error(request, problems.errors[0])
        return go(request, f"{SPACES}/{row.public_id}")
    messages.success(request, f"The space {name} was deleted.")
    if row.pk == request.space.pk:
        return HttpResponseRedirect("/app")
    return go(request, SPACES)


def _find(request: PageRequest, text: str) -> Space:
    row = space_by_id(text)
    if row is None or not visible_spaces(request.actor).filter(pk=row.pk).exists():
        raise NotFound
    return row


def _sent(request: PageRequest) -> dict[str, Any]:
    return {
        "name": request.POST.get("name", ""),
        "description": request.POST.get("description", ""),
        "is_default": checked(request, "is_default"),
        "task_queue_stopped": checked(request, "task_queue_stopped"),
        "people": [*request.POST.getlist("member"), *request.POST.getlist("added")],
        "teams": request.POST.getlist("team"),
    }


def _arguments(
    request: PageRequest, sent: dict[str, Any], row: Space | None = None
) -> dict[str, Any]:
    values = {key: value for key, value in sent.items() if key not in {"people", "teams"}}
    members = managers_team(row) if row else None
    people = queries.members_by_ids(request.actor, sent["people"], members)
    return {**values, "manager_users": people, "manager_teams": _teams(sent["teams"], row)}


def _teams(ids: Iterable[str], row: Space | None) -> list[Team]:
    rows = Team.objects.filter(Q(space=None) | Q(space=row))
    found = (queries.find_team(rows, text) for text in ids)
    return [team for team in found if team is not None]


def _space_page(
    request: PageRequest,
    row: Space | None,
    sent: dict[str, Any],
    problems: Problems = NO_PROBLEMS,
) -> HttpResponse:
    needed = Permission.SpaceEdit if row else Permission.SpaceCreate
    members = _members(request, row, sent.get("people", []))
    values = {
        "edited": row,
        "sent": sent,
        "members": members,
        "people": people_to_choose(request, without=members),
        "teams": _teams_shown(request, row),
        "may_edit": request.grants.allows_system(needed),
        "may_delete": bool(row) and request.grants.allows_system(Permission.SpaceDelete),
        "objections": _objections(row) if row else [],
    }
    return show(request, "access/space.html", values, problems)


def _members(request: PageRequest, row: Space | None, ids: Collection[str]) -> list[User]:
    """Return those of the ids whom the reader sees or who manage the space already."""
    known = queries.users_visible_to(request.actor)
    if row is not None:
        known = known | User.objects.filter(pk__in=managers_team(row).users.values("pk"))
    numbers = {number for each in ids if (number := public_ids.parse(User.id_prefix, each))}
    return list(known.filter(pk__in=numbers))


def _teams_shown(request: PageRequest, row: Space | None) -> list[Team]:
    """Return the teams that may be chosen: of the server, and of the space but its built-in one."""
    return [
        team
        for team in queries.teams_visible_to(request.actor, row or request.space)
        if not team.everyone
        and (team.space_id is None or (row is not None and not team.built_in_id))
    ]


def _objections(space: Space) -> list[str]:
    """Return what stands in the way of deleting the space, as the service would say it."""
    if space.is_default:
        return ["It is the default space: make another one the default first."]
    if not space.task_queue_stopped:
        return ["Stop its task queue first, and save."]
    return objections_to_deletion(space)

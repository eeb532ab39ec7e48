"""Permissions that are given to a user or a team on one object."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods, require_POST

from deployments.access import queries
from deployments.access.effective.texts import describe
from deployments.access.models import Team, TeamObjectGrant, User, UserObjectGrant
from deployments.access.object_grants import GIVABLE, direct_grants, givable, object_id
from deployments.access.permissions import Permission
from deployments.access.scope_values import NOUNS, ScopeNames, content_types, visible_names
from deployments.access.services.object_grants import (
    ObjectGrant,
    give_on_object,
    holder_of,
    take_from_object,
)
from deployments.access.web.forms import NO_PROBLEMS, Problems, go, page_of, refusal, show
from deployments.access.web.pages import PageRequest, page
from deployments.access.web.people import people_to_choose
from deployments.base import public_ids
from deployments.base.errors import Invalid, NotFound
from deployments.base.numbers import whole_number

GRANTS = "administration/grants"


@require_http_methods(["GET", "POST"])
@page(Permission.TeamView)
def grants(request: PageRequest) -> HttpResponse:
    """List what was given on single objects; give some more."""
    kind = request.POST.get("kind") or request.GET.get("kind", "")
    kind = kind if kind in GIVABLE else GIVABLE[0]
    if request.method == "GET":
        return _page(request, kind)
    problems = refusal(lambda: _give(request, kind))
    if problems:
        return _page(request, kind, problems)
    messages.success(request, "The permissions were given.")
    return go(request, f"{GRANTS}?kind={kind}")


@require_POST
@page(Permission.TeamEdit)
def grant_taken(request: PageRequest) -> HttpResponse:
    """Take one of them back."""
    of_user = request.POST.get("holder") == "user"
    model: Any = UserObjectGrant if of_user else TeamObjectGrant
    number = whole_number(request.POST.get("grant")) or 0
    row = model.objects.filter(space=request.space, pk=number).first()
    if row is None:
        raise NotFound
    take_from_object(actor=request.actor, space=request.space, grant=row)
    messages.success(request, "The permission was taken back.")
    return go(request, GRANTS)


def _give(request: PageRequest, kind: str) -> None:
    give_on_object(
        actor=request.actor,
        space=request.space,
        holder=_holder(request),
        kind=kind,
        thing=request.POST.get("thing", ""),
        permissions=request.POST.getlist("permission"),
    )


def _holder(request: PageRequest) -> User | Team:
    """Return the chosen user or team, of those that the giver may see; raises Invalid."""
    text = request.POST.get("holder", "")
    found: User | Team | None
    if (number := public_ids.parse(User.id_prefix, text)) is not None:
        found = queries.users_visible_to(request.actor).filter(pk=number).first()
    else:
        found = queries.find_team(queries.teams_visible_to(request.actor, request.space), text)
    if found is None:
        raise Invalid("Choose a user or a team.")
    return found


def _page(request: PageRequest, kind: str, problems: Problems = NO_PROBLEMS) -> HttpResponse:
    names = visible_names(request.actor, request.space, GIVABLE)
    types = {each.pk: name for name, each in content_types().items()}
    part = page_of(request, direct_grants(request.space))
    values = {
        "page": part,
        "rows": [_row(row, types[row.content_type_id], names) for row in part],
        "kind": kind,
        "noun": NOUNS[kind][0],
        "kinds": [(each, NOUNS[each][0]) for each in GIVABLE],
        "things": list(names.of(kind).items()),
        "permissions": [(each.value, describe(each)) for each in givable(kind)],
        "people": people_to_choose(request),
        "teams": list(queries.teams_visible_to(request.actor, request.space)),
        "sent": request.POST,
        "chosen": request.POST.getlist("permission"),
        "may_edit": request.grants.allows(Permission.TeamEdit),
    }
    return show(request, "access/grants.html", values, problems)


def _row(row: ObjectGrant, kind: str, names: ScopeNames) -> dict[str, Any]:
    holder = holder_of(row)
    name = names.of(kind).get(object_id(kind, row.object_pk))
    return {
        "pk": row.pk,
        "holder": holder.username if isinstance(holder, User) else holder.name,
        "of": "user" if isinstance(holder, User) else "team",
        "permission": row.permission.codename,
        "noun": NOUNS[kind][0],
        "name": name or "one that is gone or that you may not see",
    }

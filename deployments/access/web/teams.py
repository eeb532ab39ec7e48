"""Teams: their members, and the roles that they hold within limits."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from deployments.access import queries, services
from deployments.access.effective import ignoring, limits_of
from deployments.access.grants import load_grants
from deployments.access.models import IdentityProvider, ScopedUserRole, Team, UserRole
from deployments.access.permissions import Permission
from deployments.access.scope_values import KINDS, NOUNS, visible_names
from deployments.access.services.federation.external_groups import (
    GroupInput,
    set_external_groups,
)
from deployments.access.services.guards import stored_scopes
from deployments.access.web.forms import (
    NO_PROBLEMS,
    Problems,
    attempt,
    carry_out,
    go,
    page_of,
    show,
)
from deployments.access.web.pages import PageRequest, page
from deployments.access.web.people import people_to_choose
from deployments.base import public_ids
from deployments.base.errors import Invalid, NotFound, NotPermitted

TEAMS = "administration/teams"
_TEAM_FIELDS = ("name", "description", "group_provider", "group_name", "group_label")


@require_GET
@page(Permission.TeamView)
def team_list(request: PageRequest) -> HttpResponse:
    """Show teams with their members and roles."""
    text = request.GET.get("q", "")
    seen = queries.teams_visible_to(request.actor, request.space)
    teams = page_of(request, queries.matching_teams(seen, text))
    held: dict[int, list[Any]] = {}
    roles = queries.scoped_roles_visible_to(request.actor, request.space)
    for role in roles.filter(team__in=[team.pk for team in teams]):
        held.setdefault(role.team_id, []).append(role)
    values = {
        "page": teams,
        "teams": [(team, held.get(team.pk, [])) for team in teams],
        "text": text,
        "may_create": _levels(request, Permission.TeamCreate),
    }
    return show(request, "access/teams.html", values)


@require_http_methods(["GET", "POST"])
@page(Permission.TeamCreate)
def team_new(request: PageRequest) -> HttpResponse:
    """Create a team of the space, or one of the server."""
    levels = _levels(request, Permission.TeamCreate)
    sent = {name: request.POST.get(name, "") for name in ("name", "description", "level")}
    if request.method == "GET":
        return show(request, "access/team_new.html", {"levels": levels, "sent": sent})
    is_system = sent["level"] == "server"
    team, problems = attempt(
        lambda: services.create_team(
            actor=request.actor,
            space=None if is_system else request.space,
            name=sent["name"],
            description=sent["description"],
        )
    )
    if team is None:
        return show(request, "access/team_new.html", {"levels": levels, "sent": sent}, problems)
    messages.success(request, f"The team {team.name} was created. Give it members and roles.")
    return go(request, f"{TEAMS}/{team.public_id}")


@require_http_methods(["GET", "POST"])
@page(Permission.TeamView)
def team_page(request: PageRequest, team: str) -> HttpResponse:
    """Show a team; change its name and members."""
    row = _find(request, team)
    if request.method == "GET":
        return _team_page(request, row, {"name": row.name, "description": row.description})
    sent = {name: request.POST.get(name, "") for name in _TEAM_FIELDS}
    ids = [*request.POST.getlist("member"), *request.POST.getlist("added")]

    def save() -> Team:
        with transaction.atomic():
            members = queries.members_by_ids(request.actor, ids, row)
            saved = services.update_team(
                actor=request.actor,
                team=row,
                name=sent["name"] or row.name,
                description=sent["description"],
                members=members,
            )
            groups = _wanted_groups(request, row, sent)
            if groups or row.external_groups.exists():
                set_external_groups(actor=request.actor, team=row, groups=groups)
            return saved

    saved, problems = attempt(save)
    if saved is None:
        return _team_page(request, _find(request, team), sent, problems)
    messages.success(request, f"The team {saved.name} was saved.")
    return go(request, f"{TEAMS}/{saved.public_id}")


@require_POST
@page(Permission.TeamDelete)
def team_delete(request: PageRequest, team: str) -> HttpResponse:
    """Delete a team."""
    row = _find(request, team)
    return carry_out(
        request,
        lambda: services.delete_team(actor=request.actor, team=row),
        f"The team {row.name} was deleted.",
        to=TEAMS,
        refused=f"{TEAMS}/{row.public_id}",
    )


@require_http_methods(["GET", "POST"])
@page(Permission.TeamEdit)
def role_given(request: PageRequest, team: str, held: str = "") -> HttpResponse:
    """Give a team a role within limits, or change them."""
    row = _find(request, team)
    stored = _find_held(request, row, held) if held else None
    if request.method == "GET":
        chosen = stored_scopes(stored) if stored else {}
        return _role_page(request, row, stored, stored.role if stored else None, chosen)
    chosen = {kind: request.POST.getlist(kind) for kind in KINDS}
    role = queries.find_role(UserRole.objects.all(), request.POST.get("role", ""))
    if role is None:
        problems = Problems(("Choose a role.",), {"UserRoleId": "Choose a role."})
        return _role_page(request, row, stored, None, chosen, problems)
    saved, problems = attempt(lambda: _save(request, row, stored, role, chosen))
    if saved is None:
        return _role_page(request, row, stored, role, chosen, problems)
    messages.success(request, f"{row.name} holds the role {role.name}.")
    return go(request, f"{TEAMS}/{row.public_id}")


@require_POST
@page(Permission.TeamEdit)
def role_taken(request: PageRequest, team: str, held: str) -> HttpResponse:
    """Take a role from a team."""
    row = _find(request, team)
    stored = _find_held(request, row, held)
    return carry_out(
        request,
        lambda: services.delete_scoped_role(actor=request.actor, scoped_role=stored),
        f"{row.name} does not hold the role {stored.role.name} there any more.",
        to=f"{TEAMS}/{row.public_id}",
    )


def _save(
    request: PageRequest,
    team: Team,
    stored: ScopedUserRole | None,
    role: UserRole,
    scopes: dict[str, list[str]],
) -> ScopedUserRole:
    if stored is not None:
        return services.update_scoped_role(
            actor=request.actor, scoped_role=stored, role=role, scopes=scopes
        )
    # A role without a permission of spaces is one of the server.
    space = request.space if role.space_permissions else None
    return services.create_scoped_role(
        actor=request.actor, team=team, role=role, space=space, scopes=scopes
    )


def _team_page(
    request: PageRequest, team: Team, sent: dict[str, str], problems: Problems = NO_PROBLEMS
) -> HttpResponse:
    rows = queries.scoped_roles_visible_to(request.actor, request.space).filter(team=team)
    names = visible_names(request.actor, request.space)
    held = []
    for row in rows:
        limits = limits_of(row, names)
        held.append((row, limits, ignoring(row.role.space_permissions, limits)))
    members = list(team.users.all())
    providers = list(IdentityProvider.objects.all())
    values = {
        "team": team,
        "sent": sent,
        "held": held,
        "members": members,
        "people": people_to_choose(request, without=members),
        "provided": queries.providers_of_members(team),
        "providers": providers,
        "has_providers": bool(providers),
        "groups": list(team.external_groups.select_related("provider")),
        "may_edit": _may(request, team, Permission.TeamEdit),
        "may_delete": team.can_be_deleted and _may(request, team, Permission.TeamDelete),
        "is_fixed": bool(team.built_in_id) and not team.everyone,
    }
    return show(request, "access/team.html", values, problems)


def _role_page(
    request: PageRequest,
    team: Team,
    stored: ScopedUserRole | None,
    role: UserRole | None,
    chosen: dict[str, list[str]],
    problems: Problems = NO_PROBLEMS,
) -> HttpResponse:
    if not _may(request, team, Permission.TeamEdit):
        raise NotPermitted(Permission.TeamEdit)
    names = visible_names(request.actor, request.space)
    kept = stored_scopes(stored) if stored else {}
    kinds = [
        (
            kind,
            NOUNS[kind][1],
            list(names.of(kind).items()),
            chosen.get(kind, []),
            sum(1 for value in kept.get(kind, []) if value not in names.of(kind)),
        )
        for kind in KINDS
        if names.of(kind) or kept.get(kind)
    ]
    roles = [
        each
        for each in UserRole.objects.all()
        if bool(each.space_permissions) or (team.space_id is None and stored is None)
    ]
    values = {"team": team, "stored": stored, "role": role, "roles": roles, "kinds": kinds}
    return show(request, "access/team_role.html", values, problems)


def _wanted_groups(request: PageRequest, team: Team, sent: dict[str, str]) -> list[GroupInput]:
    kept = set(request.POST.getlist("group"))
    wanted = [
        GroupInput(row.provider, row.group, row.display_name)
        for row in team.external_groups.select_related("provider")
        if str(row.pk) in kept
    ]
    if sent["group_name"].strip():
        number = public_ids.parse(IdentityProvider.id_prefix, sent["group_provider"])
        provider = IdentityProvider.objects.filter(pk=number or 0).first()
        if provider is None:
            raise Invalid(fields={"ExternalSecurityGroups": ["Choose a provider."]})
        wanted.append(GroupInput(provider, sent["group_name"], sent["group_label"]))
    return wanted


def _levels(request: PageRequest, permission: Permission) -> list[tuple[str, str]]:
    levels = []
    if request.grants.allows(permission):
        levels.append(("space", f"In the space {request.space.name}"))
    if request.grants.allows_system(permission):
        levels.append(("server", "Of the server; it may hold roles in every space"))
    return levels


def _may(request: PageRequest, team: Team, permission: Permission) -> bool:
    if team.space_id is None:
        return request.grants.allows_system(permission)
    return load_grants(request.actor, request.space).allows(permission)


def _find(request: PageRequest, text: str) -> Team:
    row = queries.find_team(queries.teams_visible_to(request.actor, request.space), text)
    if row is None:
        raise NotFound
    return row


def _find_held(request: PageRequest, team: Team, text: str) -> ScopedUserRole:
    number = public_ids.require(ScopedUserRole.id_prefix, text)
    rows = queries.scoped_roles_visible_to(request.actor, request.space).filter(team=team)
    row = rows.filter(pk=number).first()
    if row is None:
        raise NotFound
    return row

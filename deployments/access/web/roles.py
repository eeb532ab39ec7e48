"""User roles: what is in them, and roles of one's own."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from deployments.access import queries, services
from deployments.access.effective.texts import describe, grouped
from deployments.access.models import ScopedUserRole, UserRole
from deployments.access.permissions import SPACE, SYSTEM, Permission, dimensions
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, carry_out, go, show
from deployments.access.web.pages import PageRequest, page
from deployments.base.errors import NotFound

ROLES = "administration/roles"
_LEVELS = (
    ("space_permissions", "In a space", SPACE),
    ("system_permissions", "Of the server", SYSTEM),
)
_RESTRICTED_BY = {
    "project": "projects",
    "project_group": "project groups",
    "environment": "environments",
    "tenant": "tenants",
}


@require_GET
@page(Permission.UserRoleView)
def role_list(request: PageRequest) -> HttpResponse:
    """Show the roles and how many teams hold each."""
    held: dict[int, set[int]] = {}
    seen = queries.scoped_roles_visible_to(request.actor, request.space)
    for role, team in seen.values_list("role_id", "team_id"):
        held.setdefault(role, set()).add(team)
    rows = [
        (role, len({*role.space_permissions, *role.system_permissions}), len(held.get(role.pk, ())))
        for role in UserRole.objects.all()
    ]
    values = {
        "own": [row for row in rows if not row[0].built_in_id],
        "built_in": [row for row in rows if row[0].built_in_id],
        "may_edit": request.grants.allows_system(Permission.UserRoleEdit),
    }
    return show(request, "access/roles.html", values)


@require_http_methods(["GET", "POST"])
@page(Permission.UserRoleEdit)
def role_new(request: PageRequest) -> HttpResponse:
    """Create a role, from nothing or as a copy of another."""
    request.grants.require_system(Permission.UserRoleEdit)
    if request.method == "GET":
        sent = _blank()
        if text := request.GET.get("copy", ""):
            sent = _stored(_find(text)) | {"name": ""}
        return _role_page(request, None, sent)
    sent = _sent(request)
    role, problems = attempt(lambda: services.create_role(actor=request.actor, **sent))
    if role is None:
        return _role_page(request, None, sent, problems)
    messages.success(request, f"The role {role.name} was created. Teams can hold it now.")
    return go(request, f"{ROLES}/{role.public_id}")


@require_http_methods(["GET", "POST"])
@page(Permission.UserRoleView)
def role_page(request: PageRequest, role: str) -> HttpResponse:
    """Show a role; change one that is not built in."""
    row = _find(role)
    if request.method == "GET":
        return _role_page(request, row, _stored(row))
    sent = _sent(request)
    saved, problems = attempt(
        lambda: services.update_role(actor=request.actor, role=_find(role), **sent)
    )
    if saved is None:
        return _role_page(request, row, sent, problems)
    messages.success(request, f"The role {saved.name} was saved.")
    return go(request, f"{ROLES}/{saved.public_id}")


@require_POST
@page(Permission.UserRoleEdit)
def role_delete(request: PageRequest, role: str) -> HttpResponse:
    """Delete a role that no team holds."""
    row = _find(role)
    return carry_out(
        request,
        lambda: services.delete_role(actor=request.actor, role=row),
        f"The role {row.name} was deleted.",
        to=ROLES,
        refused=f"{ROLES}/{row.public_id}",
    )


def _role_page(
    request: PageRequest,
    role: UserRole | None,
    sent: dict[str, Any],
    problems: Problems = NO_PROBLEMS,
) -> HttpResponse:
    may_edit = request.grants.allows_system(Permission.UserRoleEdit)
    holders: list[ScopedUserRole] = []
    if role is not None:
        rows = queries.scoped_roles_visible_to(request.actor, request.space)
        holders = list(rows.filter(role=role))
    values = {
        "role": role,
        "sent": sent,
        "levels": [(name, heading, _groups(known, sent[name])) for name, heading, known in _LEVELS],
        "holders": holders,
        "may_create": may_edit,
        "may_edit": may_edit and (role is None or not role.built_in_id),
    }
    return show(request, "access/role.html", values, problems)


def _groups(known: Any, chosen: list[str]) -> list[tuple[str, int, list[tuple[Any, ...]]]]:
    """Return headings with how many of their permissions are chosen, and those permissions."""
    found = []
    for heading, permissions in grouped(each for each in Permission if each in known):
        rows = [
            (each.value, describe(each), _restricted(each), each.value in chosen)
            for each in permissions
        ]
        found.append((heading, sum(1 for row in rows if row[3]), rows))
    return found


def _restricted(permission: Permission) -> str:
    held = dimensions(permission)
    return ", ".join(words for name, words in _RESTRICTED_BY.items() if name in held)


def _blank() -> dict[str, Any]:
    return {"name": "", "description": "", "space_permissions": [], "system_permissions": []}


def _stored(role: UserRole) -> dict[str, Any]:
    return {
        "name": role.name,
        "description": role.description,
        "space_permissions": role.space_permissions,
        "system_permissions": role.system_permissions,
    }


def _sent(request: PageRequest) -> dict[str, Any]:
    return {
        "name": request.POST.get("name", ""),
        "description": request.POST.get("description", ""),
        "space_permissions": request.POST.getlist("space_permissions"),
        "system_permissions": request.POST.getlist("system_permissions"),
    }


def _find(text: str) -> UserRole:
    role = queries.find_role(UserRole.objects.all(), text)
    if role is None:
        raise NotFound
    return role

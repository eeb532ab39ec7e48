"""What access needs on every server: built-in roles and system teams."""

from django.db import transaction

from deployments.access.built_in_roles import (
    BUILT_IN_ROLES,
    SYSTEM_ADMINISTRATOR,
    SYSTEM_MANAGER,
    BuiltInRole,
)
from deployments.access.grants import team_changed
from deployments.access.models import ScopedUserRole, Team, UserRole
from deployments.access.services.teams import new_team

ADMINISTRATORS = "teams-administrators"
MANAGERS = "teams-managers"
EVERYONE = "teams-everyone"


def seed_access() -> None:
    """Create or refresh built-in roles and create missing system teams; changes nothing else."""
    with transaction.atomic():
        changed = [_seed_role(role) for role in BUILT_IN_ROLES]
        made = [
            _seed_team(EVERYONE, "Everyone", "Everybody who can sign in.", None),
            _seed_team(
                ADMINISTRATORS,
                "Octopus Administrators",
                "Does everything at the level of the server.",
                SYSTEM_ADMINISTRATOR,
            ),
            _seed_team(
                MANAGERS,
                "Octopus Managers",
                "Manages people, teams and spaces.",
                SYSTEM_MANAGER,
            ),
        ]
        if any((*changed, *made)):
            team_changed()


def _seed_role(role: BuiltInRole) -> bool:
    wanted = {
        "name": role.name,
        "description": role.description,
        "space_permissions": sorted(role.space),
        "system_permissions": sorted(role.system),
    }
    row = UserRole.objects.filter(built_in_id=role.built_in_id).first()
    if row is not None and all(getattr(row, name) == value for name, value in wanted.items()):
        return False
    row = row or UserRole(built_in_id=role.built_in_id)
    for name, value in wanted.items():
        setattr(row, name, value)
    row.save()
    return True


def _seed_team(built_in_id: str, name: str, description: str, role: BuiltInRole | None) -> bool:
    if Team.objects.filter(built_in_id=built_in_id).exists():
        return False
    team = new_team(
        space=None,
        name=name,
        description=description,
        built_in_id=built_in_id,
        everyone=role is None,
    )
    if role is not None:
        row = UserRole.objects.get(built_in_id=role.built_in_id)
        ScopedUserRole.objects.create(team=team, role=row, space=None)
    return True

"""The models of access."""

from deployments.access.models.api_key import ApiKey
from deployments.access.models.object_grant import TeamObjectGrant, UserObjectGrant
from deployments.access.models.role import RoleScope, ScopedUserRole, UserRole
from deployments.access.models.sign_in import SignInFailures
from deployments.access.models.team import Team
from deployments.access.models.user import User

__all__ = [
    "ApiKey",
    "RoleScope",
    "ScopedUserRole",
    "SignInFailures",
    "Team",
    "TeamObjectGrant",
    "User",
    "UserObjectGrant",
    "UserRole",
]

"""The models of access."""

from deployments.access.models.api_key import ApiKey
from deployments.access.models.browser_session import BrowserSession
from deployments.access.models.federation import (
    ExternalLogin,
    IdentityProvider,
    LdapDirectory,
    OidcIdentity,
    ProvidedMembership,
    TeamExternalGroup,
)
from deployments.access.models.invitation import Invitation
from deployments.access.models.object_grant import TeamObjectGrant, UserObjectGrant
from deployments.access.models.role import RoleScope, ScopedUserRole, UserRole
from deployments.access.models.second_factor import Authenticator, Passkey, RecoveryCode
from deployments.access.models.sign_in import SignInFailures
from deployments.access.models.team import Team
from deployments.access.models.user import User

__all__ = [
    "ApiKey",
    "Authenticator",
    "BrowserSession",
    "ExternalLogin",
    "IdentityProvider",
    "Invitation",
    "LdapDirectory",
    "OidcIdentity",
    "Passkey",
    "ProvidedMembership",
    "RecoveryCode",
    "RoleScope",
    "ScopedUserRole",
    "SignInFailures",
    "Team",
    "TeamExternalGroup",
    "TeamObjectGrant",
    "User",
    "UserObjectGrant",
    "UserRole",
]

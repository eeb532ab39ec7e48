"""The routes of people, teams, roles and spaces."""

from django.urls import URLPattern, path

from deployments.access.api.identity_providers import (
    AuthenticationViewSet,
    IdentityProviderViewSet,
)
from deployments.access.api.invitations import InvitationViewSet, RegistrationViewSet
from deployments.access.api.ldap_providers import LdapProviderViewSet
from deployments.access.api.maintenance import MaintenanceViewSet
from deployments.access.api.oidc_identities import OidcIdentityViewSet
from deployments.access.api.smtp import SmtpViewSet
from deployments.access.api.spaces import SpaceResourceViewSet
from deployments.access.api.team_membership import TeamMembershipViewSet
from deployments.access.api.teams import ScopedUserRoleViewSet, TeamViewSet, UserRoleViewSet
from deployments.access.api.users import ApiKeyViewSet, UserViewSet
from deployments.access.api.viewsets import resource_routes

_oidc = OidcIdentityViewSet.as_view

routes: list[URLPattern] = [
    path("users/me", UserViewSet.as_view({"get": "me"})),
    path("users/login", UserViewSet.as_view({"post": "login"})),
    path("users/logout", UserViewSet.as_view({"post": "logout"})),
    path("users/register", RegistrationViewSet.as_view({"post": "register"})),
    *resource_routes(InvitationViewSet),
    path("users/<str:id>/spaces", UserViewSet.as_view({"get": "spaces"})),
    path("users/<str:id>/teams", UserViewSet.as_view({"get": "teams"})),
    path("users/<str:id>/permissions", UserViewSet.as_view({"get": "permissions"})),
    path("users/<str:id>/permissions/configuration", UserViewSet.as_view({"get": "permissions"})),
    path("users/<str:id>/permissions/export", UserViewSet.as_view({"get": "export"})),
    path("users/<str:id>/revoke-sessions", UserViewSet.as_view({"put": "revoke_sessions"})),
    path("users/<str:user>/apikeys", ApiKeyViewSet.as_view({"get": "list", "post": "create"})),
    path(
        "users/<str:user>/apikeys/<str:id>",
        ApiKeyViewSet.as_view({"get": "retrieve", "delete": "destroy"}),
    ),
    path(
        "maintenanceconfiguration",
        MaintenanceViewSet.as_view({"get": "retrieve", "put": "update"}),
    ),
    path("smtpconfiguration", SmtpViewSet.as_view({"get": "retrieve", "put": "update"})),
    path("smtpconfiguration/isconfigured", SmtpViewSet.as_view({"get": "is_configured"})),
    path("authentication", AuthenticationViewSet.as_view({"get": "authentication"})),
    path(
        "externalsecuritygroupproviders",
        AuthenticationViewSet.as_view({"get": "group_providers"}),
    ),
    *resource_routes(IdentityProviderViewSet),
    *resource_routes(LdapProviderViewSet),
    path("serviceaccounts/<str:user>/oidcidentities/v1", _oidc({"get": "list"})),
    path("serviceaccounts/<str:user>/oidcidentities/create/v1", _oidc({"post": "create"})),
    path(
        "serviceaccounts/<str:user>/oidcidentities/<str:id>/v1",
        _oidc({"get": "retrieve", "put": "update", "delete": "destroy"}),
    ),
    *resource_routes(UserViewSet),
    *resource_routes(SpaceResourceViewSet),
    path("teams/<str:id>/scopeduserroles", TeamViewSet.as_view({"get": "scoped_user_roles"})),
    *resource_routes(TeamViewSet),
    path("teammembership", TeamMembershipViewSet.as_view({"get": "list"})),
    path("teammembership/previewteam", TeamMembershipViewSet.as_view({"post": "preview"})),
    path("permissions/all", UserRoleViewSet.as_view({"get": "descriptions"})),
    *resource_routes(UserRoleViewSet),
    *resource_routes(ScopedUserRoleViewSet),
]

"""Pages of people, relative to the space."""

from django.urls import path

from deployments.access.web import (
    administration,
    object_grants,
    outgoing,
    permissions,
    roles,
    spaces,
    teams,
)
from deployments.access.web.federation import (
    directory_settings,
    providers,
    service_accounts,
)
from deployments.access.web.identity import invitations, rules, users

urlpatterns = [
    path("administration", administration.administration_home),
    path("administration/users", users.user_list),
    path("administration/users/new", users.user_new),
    path("administration/users/<str:user>", users.user_edit),
    path("administration/users/<str:user>/sessions/end", users.user_sessions_end),
    path("administration/users/<str:user>/factors/reset", users.user_factors_reset),
    path("administration/invitations", invitations.invitation_list),
    path("administration/invitations/<str:invitation>/revoke", invitations.invitation_revoke),
    path("administration/sign-in", rules.sign_in_rules_page),
    path("administration/users/<str:user>/keys/new", users.user_key_new),
    path("administration/users/<str:user>/keys/<str:key>/revoke", users.user_key_revoke),
    path("administration/users/<str:user>/oidc", service_accounts.oidc_identities),
    path("administration/users/<str:user>/oidc/<str:identity>", service_accounts.oidc_identities),
    path(
        "administration/users/<str:user>/oidc/<str:identity>/delete",
        service_accounts.oidc_identity_delete,
    ),
    path(
        "administration/users/<str:user>/logins/<str:login>/unlink", service_accounts.login_unlink
    ),
    path("administration/providers", providers.provider_list),
    path("administration/providers/new", providers.provider_new),
    path("administration/providers/order", providers.provider_order),
    path("administration/providers/new-directory", directory_settings.directory_new),
    path("administration/providers/<str:provider>", providers.provider_edit),
    path("administration/providers/<str:provider>/test", providers.provider_test),
    path("administration/providers/<str:provider>/delete", providers.provider_delete),
    path("administration/permissions", permissions.permissions_of),
    path("administration/grants", object_grants.grants),
    path("administration/grants/take", object_grants.grant_taken),
    path("administration/permissions.csv", permissions.permissions_csv),
    path("administration/teams", teams.team_list),
    path("administration/teams/new", teams.team_new),
    path("administration/teams/<str:team>", teams.team_page),
    path("administration/teams/<str:team>/delete", teams.team_delete),
    path("administration/teams/<str:team>/roles/new", teams.role_given),
    path("administration/teams/<str:team>/roles/<str:held>", teams.role_given),
    path("administration/teams/<str:team>/roles/<str:held>/delete", teams.role_taken),
    path("administration/roles", roles.role_list),
    path("administration/roles/new", roles.role_new),
    path("administration/roles/<str:role>", roles.role_page),
    path("administration/roles/<str:role>/delete", roles.role_delete),
    path("administration/spaces", spaces.space_list),
    path("administration/spaces/new", spaces.space_new),
    path("administration/spaces/<str:found>", spaces.space_page),
    path("administration/spaces/<str:found>/delete", spaces.space_delete),
    path("administration/outgoing", outgoing.outgoing),
    path("administration/outgoing/test", outgoing.mail_test),
    path("administration/outgoing/requests", outgoing.requests),
]

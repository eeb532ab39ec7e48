"""Pages below /app that belong to no space."""

from django.urls import path

from deployments.access.web import account, sign_in, spaces
from deployments.access.web.federation import sign_in as federated
from deployments.access.web.identity import (
    apps,
    first_administrator,
    invitations,
    passkeys,
    second_step,
    security,
)

urlpatterns = [
    path("", sign_in.home_view),
    path("/", sign_in.home_view),
    path("/sign-in", sign_in.sign_in_view),
    path("/sign-in/second", second_step.second_step_view),
    path("/sign-in/set-up", second_step.set_up_view),
    path("/sign-in/passkey", second_step.passkey_sign_in_view),
    path("/sign-in/passkey/options", second_step.passkey_options_view),
    path("/sign-in/with/<slug:provider>", federated.begin_view),
    path("/sign-in/with/<slug:provider>/done", federated.done_view),
    path("/account/logins/<slug:provider>/link", federated.link_view),
    path("/account/logins/<str:login>/unlink", federated.unlink_view),
    path("/sign-out", sign_in.sign_out_view),
    path("/join/<str:code>", invitations.join_view),
    path("/first-administrator", first_administrator.first_administrator_view),
    path("/first-administrator/<str:token>", first_administrator.first_administrator_view),
    path("/spaces", spaces.space_choice),
    path("/account", account.profile_view),
    path("/account/password", security.password_view),
    path("/account/security", security.security_view),
    path("/account/authenticator", apps.app_view),
    path("/account/authenticator/begin", apps.app_begin_view),
    path("/account/authenticator/remove", apps.app_remove_view),
    path("/account/recovery-codes", apps.recovery_codes_view),
    path("/account/passkeys", passkeys.add_view),
    path("/account/passkeys/options", passkeys.options_view),
    path("/account/passkeys/<str:passkey>/remove", passkeys.remove_view),
    path("/account/sessions/end-others", security.end_others_view),
    path("/account/sessions/<str:session>/end", security.end_session_view),
    path("/account/theme", account.theme_view),
    path("/account/api-keys", account.api_keys_view),
    path("/account/api-keys/<str:key>/revoke", account.revoke_view),
]

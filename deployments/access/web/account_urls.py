"""Pages below /app that belong to no space."""

from django.urls import path

from deployments.access.web import account, sign_in

urlpatterns = [
    path("", sign_in.home_view),
    path("/", sign_in.home_view),
    path("/sign-in", sign_in.sign_in_view),
    path("/sign-out", sign_in.sign_out_view),
    path("/account", account.profile_view),
    path("/account/password", account.password_view),
    path("/account/theme", account.theme_view),
    path("/account/api-keys", account.api_keys_view),
    path("/account/api-keys/<str:key>/revoke", account.revoke_view),
]

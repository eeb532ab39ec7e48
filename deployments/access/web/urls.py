"""Pages of people, relative to the space."""

from django.urls import path

from deployments.access.web import administration, outgoing

urlpatterns = [
    path("administration", administration.administration_home),
    path("administration/users", administration.user_list),
    path("administration/users/new", administration.user_new),
    path("administration/users/<str:user>", administration.user_edit),
    path("administration/teams", administration.team_list),
    path("administration/roles", administration.role_list),
    path("administration/outgoing", outgoing.outgoing),
    path("administration/outgoing/test", outgoing.mail_test),
    path("administration/outgoing/requests", outgoing.requests),
]

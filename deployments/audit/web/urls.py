"""Pages of the audit, relative to the space."""

from django.urls import path

from deployments.audit.web import archives, events, subscriptions

_ARCHIVES = "administration/audit/archives"
_SUBSCRIPTIONS = "administration/subscriptions"
_ONE = f"{_SUBSCRIPTIONS}/<str:subscription>"

urlpatterns = [
    path("administration/audit", events.event_list),
    path("administration/audit/people", events.event_people),
    path("administration/audit/export/<str:form>", events.event_export),
    path(_ARCHIVES, archives.archive_list),
    path(f"{_ARCHIVES}/check", archives.archive_check),
    path(f"{_ARCHIVES}/<str:archive>", archives.archive_download),
    path(f"{_ARCHIVES}/<str:archive>/delete", archives.archive_delete),
    path(_SUBSCRIPTIONS, subscriptions.subscription_list),
    path(f"{_SUBSCRIPTIONS}/new", subscriptions.subscription_new),
    path(f"{_SUBSCRIPTIONS}/people", subscriptions.subscription_people),
    path(_ONE, subscriptions.subscription_page),
    path(f"{_ONE}/edit", subscriptions.subscription_edit),
    path(f"{_ONE}/delete", subscriptions.subscription_delete),
    path(f"{_ONE}/test", subscriptions.subscription_test),
    path(f"{_ONE}/key", subscriptions.subscription_key),
    path(f"{_ONE}/deliveries/<str:delivery>/again", subscriptions.delivery_again),
]

"""Pages of the audit, relative to the space."""

from django.urls import path

from deployments.audit.web import events

urlpatterns = [path("administration/audit", events.event_list)]

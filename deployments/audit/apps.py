from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "deployments.audit"
    label = "audit"

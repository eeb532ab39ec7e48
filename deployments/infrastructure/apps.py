from django.apps import AppConfig


class InfrastructureConfig(AppConfig):
    name = "deployments.infrastructure"
    label = "infrastructure"

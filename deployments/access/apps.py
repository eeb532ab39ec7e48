from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "deployments.access"
    label = "access"

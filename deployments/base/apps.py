from django.apps import AppConfig


class BaseConfig(AppConfig):
    name = "deployments.base"
    label = "base"
    verbose_name = "Base"

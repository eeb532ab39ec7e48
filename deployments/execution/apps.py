from django.apps import AppConfig


class ExecutionConfig(AppConfig):
    name = "deployments.execution"
    label = "execution"

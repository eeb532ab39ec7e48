from django.apps import AppConfig


class ServerTasksConfig(AppConfig):
    name = "deployments.server_tasks"
    label = "server_tasks"

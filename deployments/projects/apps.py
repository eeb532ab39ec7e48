from django.apps import AppConfig


class ProjectsConfig(AppConfig):
    name = "deployments.projects"
    label = "projects"

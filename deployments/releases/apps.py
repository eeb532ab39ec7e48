from django.apps import AppConfig


class ReleasesConfig(AppConfig):
    name = "deployments.releases"
    label = "releases"

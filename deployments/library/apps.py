from django.apps import AppConfig


class LibraryConfig(AppConfig):
    name = "deployments.library"
    label = "library"

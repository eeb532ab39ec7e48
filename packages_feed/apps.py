from django.apps import AppConfig


class PackagesFeedConfig(AppConfig):
    name = "packages_feed"
    label = "packages_feed"

"""The site app: loads Celery and seeds what every server must have after a migration."""

from typing import Any

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class SiteConfig(AppConfig):
    name = "octopus_site"
    label = "octopus_site"

    def ready(self) -> None:
        from octopus_site import celery  # noqa: F401, PLC0415 registers the application

        # Django signals only apps that have models; by now every app's tables are there.
        post_migrate.connect(seed, sender=apps.get_app_config("base"))


def seed(**_: Any) -> None:
    """Create the installation id, built-in roles, system teams and the Default space."""
    from octopus_site.seed import seed_server  # noqa: PLC0415 models are not loaded before

    seed_server()

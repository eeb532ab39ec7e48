from django.apps import AppConfig


class PackagesFeedConfig(AppConfig):
    name = "packages_feed"
    label = "packages_feed"

    def ready(self) -> None:
        from deployments.audit.archives.store import register_archive_store  # noqa: PLC0415 needs Django's set-up
        from deployments.base.services.spaces import register_space_seeder  # noqa: PLC0415 needs Django's set-up
        from packages_feed.audit_files import StoredArchives  # noqa: PLC0415 needs Django's set-up
        from packages_feed.seed import seed_built_in_feed  # noqa: PLC0415 models come first

        register_space_seeder(seed_built_in_feed)
        register_archive_store(StoredArchives())

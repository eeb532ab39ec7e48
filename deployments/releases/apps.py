from django.apps import AppConfig


class ReleasesConfig(AppConfig):
    name = "deployments.releases"
    label = "releases"

    def ready(self) -> None:
        from deployments.server_tasks.kinds import register_kind  # noqa: PLC0415 models come first

        register_kind("Deploy", advance="execution.advance", label="Deploy a release")

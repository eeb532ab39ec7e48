from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "deployments.access"
    label = "access"

    def ready(self) -> None:
        from deployments.access.policy import visibility  # noqa: PLC0415 models come first
        from deployments.base.querysets import register_visibility_rule  # noqa: PLC0415

        register_visibility_rule(visibility)

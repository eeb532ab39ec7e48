from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "deployments.access"
    label = "access"

    def ready(self) -> None:
        from deployments.access.policy import visibility  # noqa: PLC0415 models come first
        from deployments.access.services.spaces import seed_managers_team  # noqa: PLC0415
        from deployments.base.querysets import register_visibility_rule  # noqa: PLC0415
        from deployments.base.services.spaces import register_space_seeder  # noqa: PLC0415

        register_visibility_rule(visibility)
        register_space_seeder(seed_managers_team)

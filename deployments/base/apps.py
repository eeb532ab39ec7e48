from django.apps import AppConfig


class BaseConfig(AppConfig):
    name = "deployments.base"
    label = "base"
    verbose_name = "Base"

    def ready(self) -> None:
        from deployments.base.models import ServerSetting  # noqa: PLC0415 models come first
        from deployments.base.postgres import lookups  # noqa: PLC0415 as above
        from deployments.base.resealing import register_sealed_column  # noqa: PLC0415 as above
        from deployments.base.resealing.settings import turn_setting  # noqa: PLC0415 as above

        lookups.register()
        register_sealed_column(ServerSetting, "value", turn_setting)

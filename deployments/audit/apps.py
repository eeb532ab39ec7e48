from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "deployments.audit"
    label = "audit"

    def ready(self) -> None:
        from deployments.audit.sealed import register_sealed_columns  # noqa: PLC0415 models first

        register_sealed_columns()

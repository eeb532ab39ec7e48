from django.apps import AppConfig


class ExecutionConfig(AppConfig):
    name = "deployments.execution"
    label = "execution"

    def ready(self) -> None:
        from deployments.server_tasks.kinds import register_kind  # noqa: PLC0415 apps are loading

        register_kind("Deploy", advance="execution.advance", label="Deployment")

from django.apps import AppConfig


class ExecutionConfig(AppConfig):
    name = "deployments.execution"
    label = "execution"

    def ready(self) -> None:
        from deployments.execution.steps import all_step_types  # noqa: PLC0415 apps are loading
        from deployments.projects.step_catalogue import register_step_catalogue  # noqa: PLC0415

        register_step_catalogue(all_step_types)

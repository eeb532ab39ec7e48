from django.apps import AppConfig


class ExecutionConfig(AppConfig):
    name = "deployments.execution"
    label = "execution"

    def ready(self) -> None:
        from deployments.execution.sealed import register_sealed_columns  # noqa: PLC0415 as above
        from deployments.execution.services.mail import trial  # noqa: PLC0415 as above
        from deployments.execution.services.preview_plan import (  # noqa: PLC0415 as above
            changes_values,
            preview_plan,
        )
        from deployments.execution.services.retention.asking import (  # noqa: PLC0415 as above
            KIND,
            request_retention,
        )
        from deployments.execution.steps import all_step_types  # noqa: PLC0415 apps are loading
        from deployments.projects.step_catalogue import register_step_catalogue  # noqa: PLC0415 needs Django's set-up
        from deployments.releases.changes.template import register_values  # noqa: PLC0415 needs Django's set-up
        from deployments.releases.services.exact_plan import (  # noqa: PLC0415 as above
            register_planner,
        )
        from deployments.server_tasks.kinds import register_kind  # noqa: PLC0415 as above

        register_sealed_columns()
        register_step_catalogue(all_step_types)
        register_planner(preview_plan)
        register_values(changes_values)
        register_kind(
            KIND,
            advance="execution.run_retention",
            label="Apply retention policies",
            request=request_retention,
        )
        register_kind(
            trial.KIND,
            advance=trial.RUN,
            label="Send a test mail",
            request=trial.request_test_mail,
        )

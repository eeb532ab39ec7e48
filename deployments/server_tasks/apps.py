from django.apps import AppConfig


class ServerTasksConfig(AppConfig):
    name = "deployments.server_tasks"
    label = "server_tasks"

    def ready(self) -> None:
        from deployments.base.services.spaces import (  # noqa: PLC0415 needs Django's set-up
            register_departure,
            register_objection,
        )
        from deployments.server_tasks.queries import objection_to_deletion  # noqa: PLC0415 needs Django's set-up
        from deployments.server_tasks.services.cancel import cancel_queued  # noqa: PLC0415 needs Django's set-up

        register_objection(objection_to_deletion)
        register_departure(cancel_queued)

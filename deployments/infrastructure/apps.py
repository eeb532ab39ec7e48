from django.apps import AppConfig


class InfrastructureConfig(AppConfig):
    name = "deployments.infrastructure"
    label = "infrastructure"

    def ready(self) -> None:
        from deployments.access.permissions import Permission  # noqa: PLC0415 models come first
        from deployments.access.scope_values import register_scope_model  # noqa: PLC0415 as above
        from deployments.base.services.spaces import (  # noqa: PLC0415 models come first
            register_objection,
            register_space_seeder,
        )
        from deployments.infrastructure.models import Environment  # noqa: PLC0415 as above
        from deployments.infrastructure.queries import visible_pools  # noqa: PLC0415 as above
        from deployments.infrastructure.services.endpoints import (  # noqa: PLC0415 models come first
            endpoints_naming,
        )
        from deployments.infrastructure.services.health import (  # noqa: PLC0415 after Django's set-up
            KIND,
            request_health_check,
        )
        from deployments.infrastructure.services.policies import (  # noqa: PLC0415 after Django's set-up
            seed_machine_policy,
        )
        from deployments.infrastructure.services.workers import (  # noqa: PLC0415 after Django's set-up
            objection_to_deletion,
            seed_worker_pool,
        )
        from deployments.library.choices import register_choices  # noqa: PLC0415 as above
        from deployments.library.references import WORKER_POOL  # noqa: PLC0415 as above
        from deployments.library.uses import register_uses  # noqa: PLC0415 as above
        from deployments.server_tasks.kinds import register_kind  # noqa: PLC0415 after Django's set-up

        register_scope_model("environment", Environment, Permission.EnvironmentView)
        register_choices(WORKER_POOL, visible_pools)
        register_uses(endpoints_naming)
        register_space_seeder(seed_worker_pool)
        register_space_seeder(seed_machine_policy)
        register_objection(objection_to_deletion)
        register_kind(
            KIND,
            advance="execution.advance",
            label="Check health",
            may_rerun=True,
            request=request_health_check,
        )

"""Pages of the infrastructure, relative to the space."""

from django.urls import path

from deployments.infrastructure.web import (
    adding,
    adding_workers,
    environments,
    health,
    targets,
    upgrades,
    workers,
)

urlpatterns = [
    path("infrastructure", targets.infrastructure_home),
    path("infrastructure/targets", targets.target_list),
    path("infrastructure/targets/add", adding.target_add),
    path("infrastructure/targets/waiting/<int:token>", adding.target_waiting),
    path("infrastructure/targets/upgrade", upgrades.targets_upgrade),
    path("infrastructure/targets/<str:target>/upgrade", upgrades.target_upgrade),
    path("infrastructure/targets/<str:target>", targets.target_page),
    path("infrastructure/targets/<str:target>/switch", targets.target_switch),
    path("infrastructure/targets/<str:target>/check", health.target_check),
    path("infrastructure/targets/<str:target>/delete", targets.target_delete),
    path("infrastructure/environments", environments.environment_list),
    path("infrastructure/environments/new", environments.environment_new),
    path("infrastructure/environments/<str:environment>", environments.environment_edit),
    path("infrastructure/environments/<str:environment>/move", environments.environment_move),
    path("infrastructure/environments/<str:environment>/check", health.environment_check),
    path("infrastructure/environments/<str:environment>/delete", environments.environment_delete),
    path("infrastructure/workers", workers.worker_list),
    path("infrastructure/workers/<str:worker>/upgrade", upgrades.worker_upgrade),
    path("infrastructure/workers/add", adding_workers.worker_add),
    path("infrastructure/workers/waiting/<int:token>", adding_workers.worker_waiting),
    path("infrastructure/workers/<str:worker>", workers.worker_page),
    path("infrastructure/workers/<str:worker>/switch", workers.worker_switch),
    path("infrastructure/workers/<str:worker>/check", health.worker_check),
    path("infrastructure/workers/<str:worker>/delete", workers.worker_delete),
    path("infrastructure/pools/<str:pool>/check", health.pool_check),
    path("infrastructure/pools/<str:pool>", workers.pool_page),
    path("infrastructure/pools/<str:pool>/delete", workers.pool_delete),
]

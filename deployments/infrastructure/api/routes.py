"""The routes of the infrastructure, below the space."""

from django.urls import URLPattern, path

from deployments.access.api.viewsets import resource_routes
from deployments.infrastructure.api.environments import EnvironmentViewSet
from deployments.infrastructure.api.machines import MachineViewSet
from deployments.infrastructure.api.policies import MachinePolicyViewSet
from deployments.infrastructure.api.workers import WorkerPoolViewSet, WorkerViewSet

routes: list[URLPattern] = [
    path("environments/v2", EnvironmentViewSet.as_view({"get": "second_version"})),
    path("environments/sortorder", EnvironmentViewSet.as_view({"put": "sort"})),
    path("environments/summary", EnvironmentViewSet.as_view({"get": "summary"})),
    path("environments/<str:id>/machines", EnvironmentViewSet.as_view({"get": "machines"})),
    path(
        "environments/<str:id>/singlyScopedVariableDetails",
        EnvironmentViewSet.as_view({"get": "singly_scoped"}),
    ),
    *resource_routes(EnvironmentViewSet),
    path("machineroles/all", MachineViewSet.as_view({"get": "roles"})),
    path("machines/<str:id>/connection", MachineViewSet.as_view({"get": "connection"})),
    path("machines/<str:id>/upgrade", MachineViewSet.as_view({"post": "upgrade"})),
    path("machines/<str:id>/upgrade/cancel", MachineViewSet.as_view({"post": "cancel_upgrade"})),
    path("machines/upgrade/cancel", MachineViewSet.as_view({"post": "cancel_upgrades"})),
    path("machines/upgrade", MachineViewSet.as_view({"post": "upgrade_several"})),
    *resource_routes(MachineViewSet),
    path("machinepolicies/template", MachinePolicyViewSet.as_view({"get": "template"})),
    path("machinepolicies/<str:id>/machines", MachinePolicyViewSet.as_view({"get": "machines"})),
    path("machinepolicies/<str:id>/workers", MachinePolicyViewSet.as_view({"get": "workers"})),
    *resource_routes(MachinePolicyViewSet),
    path("workerpools/supportedtypes", WorkerPoolViewSet.as_view({"get": "supported_types"})),
    path("workerpools/dynamicworkertypes", WorkerPoolViewSet.as_view({"get": "dynamic_types"})),
    path("workerpools/<str:id>/workers", WorkerPoolViewSet.as_view({"get": "workers"})),
    *resource_routes(WorkerPoolViewSet),
    path("workers/<str:id>/connection", WorkerViewSet.as_view({"get": "connection"})),
    path("workers/<str:id>/upgrade", WorkerViewSet.as_view({"post": "upgrade"})),
    path("workers/<str:id>/upgrade/cancel", WorkerViewSet.as_view({"post": "cancel_upgrade"})),
    *resource_routes(WorkerViewSet),
]

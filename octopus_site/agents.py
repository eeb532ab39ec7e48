"""What agents ask for over HTTPS."""

from django.urls import URLPattern, path

from deployments.execution.api import agent_patches, agent_views
from deployments.infrastructure.api.agent_program import (
    install_script_view,
    program_digest_view,
    program_view,
)
from deployments.infrastructure.api.agent_views import register_view

urlpatterns: list[URLPattern] = [
    path("agent/v1/register", register_view),
    path("agent/v1/tentacle.pyz", program_view),
    path("agent/v1/tentacle.pyz.sha256", program_digest_view),
    path("tentacle/install.sh", install_script_view),
    path("agent/v1/packages/<str:sha256>", agent_views.package_view),
    path("agent/v1/packages/<str:sha256>/patch", agent_patches.offer_view),
    path("agent/v1/packages/<str:sha256>/patches/<str:patch>", agent_patches.patch_view),
    path("agent/v1/commands/<uuid:command_id>/spec", agent_views.spec_view),
    path("agent/v1/commands/<uuid:command_id>/artifacts/<int:number>", agent_views.artifact_view),
]

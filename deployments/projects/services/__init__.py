"""Writes of projects."""

from deployments.projects.services.channels import (
    ChannelInput,
    create_channel,
    delete_channel,
    update_channel,
)
from deployments.projects.services.cloning import clone_project
from deployments.projects.services.groups import (
    create_project_group,
    delete_project_group,
    update_project_group,
)
from deployments.projects.services.lifecycles import (
    LifecycleInput,
    PhaseInput,
    create_lifecycle,
    delete_lifecycle,
    update_lifecycle,
)
from deployments.projects.services.processes import save_process
from deployments.projects.services.projects import (
    ProjectInput,
    create_project,
    delete_project,
    update_project,
    update_settings,
)

__all__ = [
    "ChannelInput",
    "LifecycleInput",
    "PhaseInput",
    "ProjectInput",
    "clone_project",
    "create_channel",
    "create_lifecycle",
    "create_project",
    "create_project_group",
    "delete_channel",
    "delete_lifecycle",
    "delete_project",
    "delete_project_group",
    "save_process",
    "update_channel",
    "update_lifecycle",
    "update_project",
    "update_project_group",
    "update_settings",
]

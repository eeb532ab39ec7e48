"""The models of projects."""

from deployments.projects.models.channel import Channel
from deployments.projects.models.group import ProjectGroup
from deployments.projects.models.lifecycle import Lifecycle, Phase, PhaseEnvironment
from deployments.projects.models.process import DeploymentProcess
from deployments.projects.models.project import Project

__all__ = [
    "Channel",
    "DeploymentProcess",
    "Lifecycle",
    "Phase",
    "PhaseEnvironment",
    "Project",
    "ProjectGroup",
]

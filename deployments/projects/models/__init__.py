"""The models of projects."""

from deployments.projects.models.channel import Channel
from deployments.projects.models.group import ProjectGroup
from deployments.projects.models.lifecycle import Lifecycle, Phase, PhaseEnvironment
from deployments.projects.models.process import DeploymentProcess
from deployments.projects.models.project import Project
from deployments.projects.models.runbook import Runbook
from deployments.projects.models.trigger import (
    AutomationDecision,
    Outcome,
    PendingDeployment,
    ProjectTrigger,
    WaitingTarget,
    WatchedPackage,
)

__all__ = [
    "AutomationDecision",
    "Channel",
    "DeploymentProcess",
    "Lifecycle",
    "Outcome",
    "PendingDeployment",
    "Phase",
    "PhaseEnvironment",
    "Project",
    "ProjectGroup",
    "ProjectTrigger",
    "Runbook",
    "WaitingTarget",
    "WatchedPackage",
]

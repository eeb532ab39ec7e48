"""The models of projects."""

from deployments.projects.models.channel import Channel
from deployments.projects.models.decision import AutomationDecision, Outcome
from deployments.projects.models.group import ProjectGroup
from deployments.projects.models.lifecycle import Lifecycle, Phase, PhaseEnvironment
from deployments.projects.models.pending import PendingDeployment, TriggerCall, WaitingTarget
from deployments.projects.models.process import DeploymentProcess, ProcessNote
from deployments.projects.models.project import Project
from deployments.projects.models.runbook import Runbook
from deployments.projects.models.trigger import ProjectTrigger
from deployments.projects.models.watched import WatchedPackage, WatchedRepository

__all__ = [
    "AutomationDecision",
    "Channel",
    "DeploymentProcess",
    "Lifecycle",
    "Outcome",
    "PendingDeployment",
    "Phase",
    "PhaseEnvironment",
    "ProcessNote",
    "Project",
    "ProjectGroup",
    "ProjectTrigger",
    "Runbook",
    "TriggerCall",
    "WaitingTarget",
    "WatchedPackage",
    "WatchedRepository",
]

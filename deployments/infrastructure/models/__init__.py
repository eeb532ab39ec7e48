"""The models of the infrastructure."""

from deployments.infrastructure.models.agent import Agent, AgentSession, RegistrationToken
from deployments.infrastructure.models.environment import Environment
from deployments.infrastructure.models.machine import Machine, MachineEnvironment, MachineTenant
from deployments.infrastructure.models.policy import MachinePolicy
from deployments.infrastructure.models.upgrade import AgentUpgrade, UpgradeStage
from deployments.infrastructure.models.worker import Worker, WorkerPool

__all__ = [
    "Agent",
    "AgentSession",
    "AgentUpgrade",
    "Environment",
    "Machine",
    "MachineEnvironment",
    "MachinePolicy",
    "MachineTenant",
    "RegistrationToken",
    "UpgradeStage",
    "Worker",
    "WorkerPool",
]

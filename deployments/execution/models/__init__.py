"""The models of execution."""

from deployments.execution.models.artifact import Artifact
from deployments.execution.models.execution import ActionExecution, ExecutionPlan
from deployments.execution.models.interruption import Interruption
from deployments.execution.models.log import LogArchive, LogChunk
from deployments.execution.models.mailbox import AgentMessage
from deployments.execution.models.output import OutputVariable

__all__ = [
    "ActionExecution",
    "AgentMessage",
    "Artifact",
    "ExecutionPlan",
    "Interruption",
    "LogArchive",
    "LogChunk",
    "OutputVariable",
]

"""Acquire packages: brings what later steps need; put into plans by the engine alone."""

from deployments.execution.acquisition import ACTION_TYPE, NAME
from deployments.execution.steps.step_type import StepType

STEP = StepType(
    action_type=ACTION_TYPE,
    name=NAME,
    summary="Bring the packages of later steps to the targets.",
    category="",
    command="acquire",
    is_internal=True,
)

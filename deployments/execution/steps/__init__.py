"""The step types: one folder each; docs/steps.md says how to add one."""

from deployments.execution.steps.registry import all_step_types, find_step_type
from deployments.execution.steps.step_type import (
    Property,
    PropertyKind,
    Question,
    Result,
    ServerAction,
    StepType,
)

__all__ = [
    "Property",
    "PropertyKind",
    "Question",
    "Result",
    "ServerAction",
    "StepType",
    "all_step_types",
    "find_step_type",
]

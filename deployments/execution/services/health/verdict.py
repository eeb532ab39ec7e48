"""From the end of a check's command to the health of the machine; free of the database."""

from collections.abc import Iterable
from dataclasses import dataclass

from deployments.execution.states import ExecutionState
from deployments.infrastructure.models.machine import HealthStatus


@dataclass(frozen=True, slots=True)
class CheckEnd:
    """How a command ended. `notable` are its lines of the levels warning and error, in order.

    One that was never started has neither `was_started` nor an exit code.
    """

    state: ExecutionState
    was_started: bool = False
    exit_code: int | None = None
    error: str = ""
    notable: Iterable[tuple[str, str]] = ()


def verdict_of(end: CheckEnd) -> tuple[HealthStatus, str] | None:
    """Return the health and why; None when the command says nothing about it."""
    if end.state == ExecutionState.LOST:
        return HealthStatus.UNAVAILABLE, end.error
    if end.state == ExecutionState.FAILED:
        reached = end.was_started or end.exit_code is not None
        return (HealthStatus.UNHEALTHY if reached else HealthStatus.UNAVAILABLE), end.error
    if end.state != ExecutionState.SUCCEEDED:
        return None
    lines = list(end.notable)
    for level, status in (
        ("error", HealthStatus.UNHEALTHY),
        ("warning", HealthStatus.HAS_WARNINGS),
    ):
        text = next((text for found, text in lines if found == level), None)
        if text is not None:
            return status, text.strip() or "The script reported it without words."
    return HealthStatus.HEALTHY, "The health check succeeded."

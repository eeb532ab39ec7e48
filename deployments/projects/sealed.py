"""How the sealed texts of stored processes are turned to another master key."""

from typing import Any

from deployments.base.resealing import Turn, turned_text
from deployments.projects.models import DeploymentProcess
from deployments.projects.process import turned_steps


def turn_process(steps: Any, owner_id: str, turn: Turn) -> Any:
    """Return the steps of the process `owner_id`, or of a snapshot of it, turned."""
    return turned_steps(steps, owner_id, lambda text, place: turned_text(text, place, turn))


def turn_own_process(row: DeploymentProcess, turn: Turn) -> Any:
    """Return the steps of a process turned."""
    return turn_process(row.steps, row.public_id, turn)

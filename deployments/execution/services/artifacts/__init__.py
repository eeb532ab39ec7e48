"""Artifacts: brought by agents, added by people, deleted."""

from deployments.execution.services.artifacts.adding import (
    add_artifact,
    rename_artifact,
    store_content,
)
from deployments.execution.services.artifacts.receiving import (
    LARGEST,
    Received,
    delete_artifact,
    receive_piece,
    received,
)

__all__ = [
    "LARGEST",
    "Received",
    "add_artifact",
    "delete_artifact",
    "receive_piece",
    "received",
    "rename_artifact",
    "store_content",
]

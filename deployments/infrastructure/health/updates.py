"""When the agents of a machine policy are upgraded by themselves; free of the database."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from agent.versions import Version


class AgentUpdate(StrEnum):
    """What a policy says about agents that are older than the server."""

    NEVER = "Never"
    HEALTH_CHECK = "HealthCheck"
    CONNECTION = "Connection"


def agent_update(document: Mapping[str, Any]) -> AgentUpdate:
    """Read a policy's document that has all its parts."""
    update = document["MachineUpdatePolicy"]
    if update["TentacleUpdateBehavior"] != "Update":
        return AgentUpdate.NEVER
    if update["TentacleUpdateMoment"] == AgentUpdate.CONNECTION:
        return AgentUpdate.CONNECTION
    return AgentUpdate.HEALTH_CHECK


def is_to_be_upgraded(*, runs: str, server: str, asked: str) -> bool:
    """Tell whether an agent that runs one version shall become the server's by itself.

    Never backwards, and once for each version: `asked` is the one that it was last asked for, and
    what has become of that is for people to judge.
    """
    own, wanted = Version.try_parse(runs), Version.try_parse(server)
    return own is not None and wanted is not None and own < wanted and asked != server

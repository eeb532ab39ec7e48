"""Asking agents to become the server's own version."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from django.db import transaction

from agent.version import VERSION
from deployments.access.permissions import Permission
from deployments.access.policy import require_on
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.infrastructure.models import (
    AgentSession,
    AgentUpgrade,
    Machine,
    UpgradeStage,
    Worker,
)
from deployments.infrastructure.program import describe_program

ACTIVE = (
    UpgradeStage.REQUESTED,
    UpgradeStage.DOWNLOADING,
    UpgradeStage.CHECKING,
    UpgradeStage.TRYING,
)
# What an agent has not begun yet, as far as it has told.
CANCELABLE = (UpgradeStage.WAITING, UpgradeStage.REQUESTED)
# An agent that has said nothing new for this long will not: it is gone or does not know upgrades.
SILENCE = timedelta(minutes=10)


def request_upgrades(
    *, actor: Actor, rows: Sequence[Machine | Worker], clock: Clock = utc_now
) -> list[AgentUpgrade]:
    """Ask the agents of targets or workers to upgrade; of several, one goes first.

    When the first has come back a tenth follows, then the rest; a failure halts those that wait.
    Raises Invalid when one of them cannot be asked.
    """
    for row in rows:
        is_target = isinstance(row, Machine)
        require_on(actor, row, Permission.MachineEdit if is_target else Permission.WorkerEdit)
    now = clock()
    agents = []
    for row in rows:
        text = why_not(row, now)
        if text or row.agent is None:
            raise Invalid(text)
        agents.append(row.agent)
    program = describe_program()
    batch = str(uuid4())
    made: list[AgentUpgrade] = []
    with transaction.atomic():
        for row, agent in zip(rows, agents, strict=True):
            AgentUpgrade.objects.filter(agent=agent).delete()
            made.append(
                AgentUpgrade.objects.create(
                    agent=agent,
                    request=str(uuid4()),
                    batch=batch,
                    version=program.version,
                    sha256=program.sha256,
                    size=program.size,
                    stage=UpgradeStage.WAITING if made else UpgradeStage.REQUESTED,
                    requested_by=actor.public_id,
                    requested=now,
                    changed=now,
                )
            )
            events.record(
                actor=actor,
                space=row.space,
                category="MachineUpgradeRequested",
                message=f"The agent of {row.name} was asked to upgrade to {program.version}",
                subject=row.public_id,
                clock=clock,
            )
    return made


def why_not(row: Machine | Worker, now: datetime) -> str:
    """Return why the agent of a target or worker cannot be asked to upgrade now, else ""."""
    agent = row.agent
    if agent is None:
        return f"{row.name} has no agent."
    if isinstance(row, Worker) and row.is_built_in:
        return f"{row.name} runs beside the server and is upgraded with it."
    if agent.version == VERSION:
        return f"The agent of {row.name} runs version {VERSION} already."
    if is_under_way(upgrade_of(row), now):
        return f"The agent of {row.name} is being upgraded already."
    return ""


def upgradable(rows: Iterable[Machine], now: datetime) -> list[Machine]:
    """Return those targets whose agents are connected and can be asked."""
    return [row for row in rows if is_connected(row) and not why_not(row, now)]


def upgrade_of(row: Machine | Worker) -> AgentUpgrade | None:
    """Return the last upgrade of the agent of a target or worker."""
    found: AgentUpgrade | None = getattr(row.agent, "upgrade", None)
    return found


def is_connected(row: Machine | Worker) -> bool:
    """Tell whether the agent of a target or worker is connected."""
    session: AgentSession | None = getattr(row.agent, "session", None)
    return session is not None and session.connected is not None and not session.disconnected


def is_under_way(upgrade: AgentUpgrade | None, now: datetime) -> bool:
    """Tell whether something may still come of an upgrade."""
    if upgrade is None:
        return False
    if upgrade.stage == UpgradeStage.WAITING:
        return True
    return upgrade.stage in ACTIVE and now - upgrade.changed < SILENCE

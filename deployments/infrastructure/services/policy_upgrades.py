"""Upgrades of agents that machine policies ask for, after health checks and when agents connect."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from django.db.models import Q

from agent.version import VERSION
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.infrastructure.health.updates import (
    AgentUpdate,
    agent_update,
    is_to_be_upgraded,
)
from deployments.infrastructure.models import AgentUpgrade, Machine, MachinePolicy, Worker
from deployments.infrastructure.services.policies import policy_document
from deployments.infrastructure.services.upgrades import (
    is_connected,
    request_upgrades,
    upgrade_of,
    why_not,
)

_EVERY_SPACE = "machine policies upgrade agents in every space"
_RELATED: Final = ("space", "policy", "agent__upgrade", "agent__session")


def upgrade_after_check(
    policy: MachinePolicy, rows: Sequence[Machine | Worker], *, clock: Clock = utc_now
) -> list[AgentUpgrade]:
    """Ask the outdated agents among those that a check found well, if their policy says so.

    Joins the caller's transaction.
    """
    if update_of(policy) != AgentUpdate.HEALTH_CHECK:
        return []
    return _ask(policy, rows, clock)


def upgrade_connected(*, clock: Clock = utc_now) -> int:
    """Ask the outdated agents that are connected, of the policies that do not wait for a check."""
    every = MachinePolicy.objects.unscoped(reason=_EVERY_SPACE).filter(space__deletion="")
    asked = 0
    for policy in every.select_related("space").order_by("pk"):
        if update_of(policy) == AgentUpdate.CONNECTION:
            asked += len(_ask(policy, _of_policy(policy), clock))
    return asked


def update_of(policy: MachinePolicy) -> AgentUpdate:
    """Return when the agents of a policy are upgraded by themselves."""
    return agent_update(policy_document(policy.document))


def _ask(
    policy: MachinePolicy, rows: Iterable[Machine | Worker], clock: Clock
) -> list[AgentUpgrade]:
    now = clock()
    due = [row for row in rows if _is_due(row, now)]
    if not due:
        return []
    actor = Actor.system(f"machine policy {policy.name}")
    return request_upgrades(actor=actor, rows=due, clock=clock)


def _is_due(row: Machine | Worker, now: datetime) -> bool:
    if row.agent is None or row.is_disabled or not is_connected(row) or why_not(row, now):
        return False
    last = upgrade_of(row)
    return is_to_be_upgraded(
        runs=row.agent.version, server=VERSION, asked=last.version if last else ""
    )


def _of_policy(policy: MachinePolicy) -> list[Machine | Worker]:
    """Return the targets and workers of the policy that may be due."""
    never = Q(agent__upgrade=None) | ~Q(agent__upgrade__version=VERSION)
    wanted = {"policy": policy, "is_disabled": False, "agent__isnull": False}
    found: list[Machine | Worker] = []
    for model in (Machine, Worker):
        rows = model.objects.in_space(policy.space).filter(never, **wanted)
        others = rows.exclude(agent__version=VERSION)
        found += others.select_related(*_RELATED).order_by("name", "pk")
    return found

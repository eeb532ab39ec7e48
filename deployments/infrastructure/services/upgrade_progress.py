"""What becomes of upgrades: told by the agents, by their silence, or canceled by people."""

from collections.abc import Iterable, Sequence

from django.db import transaction
from django.db.models import QuerySet

from agent.contracts.messages import Upgrade, UpgradeState
from deployments.access.permissions import Permission
from deployments.access.policy import require_on
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.infrastructure.models import AgentUpgrade, Machine, UpgradeStage, Worker
from deployments.infrastructure.program import PATH
from deployments.infrastructure.services.upgrades import (
    ACTIVE,
    CANCELABLE,
    SILENCE,
    upgrade_of,
)

_TOLD = frozenset(
    {
        UpgradeStage.DOWNLOADING,
        UpgradeStage.CHECKING,
        UpgradeStage.TRYING,
        UpgradeStage.DONE,
        UpgradeStage.FAILED,
        UpgradeStage.REFUSED,
    }
)
_ENDS = (UpgradeStage.DONE, UpgradeStage.FAILED, UpgradeStage.REFUSED)
_STOPPING = frozenset({UpgradeStage.FAILED, UpgradeStage.SILENT})
_CATEGORIES = {
    UpgradeStage.DONE: "MachineUpgraded",
    UpgradeStage.FAILED: "MachineUpgradeFailed",
    UpgradeStage.REFUSED: "MachineUpgradeFailed",
    UpgradeStage.SILENT: "MachineUpgradeFailed",
    UpgradeStage.CANCELED: "MachineUpgradeCanceled",
}
_SILENT = "The agent has not answered for 10 minutes."


def wanted_upgrades(agent_pks: Iterable[int]) -> dict[int, Upgrade]:
    """Return what agents shall be sent, until they say that they have begun."""
    rows = AgentUpgrade.objects.filter(agent_id__in=list(agent_pks), stage=UpgradeStage.REQUESTED)
    return {
        row.agent_id: Upgrade(
            version=row.version, url=PATH, sha256=row.sha256, size=row.size, request=row.request
        )
        for row in rows
    }


def apply_upgrade_state(agent_pk: int, state: UpgradeState, *, clock: Clock = utc_now) -> bool:
    """Store what an agent says of the request it was sent; return whether that was news."""
    if state.stage not in _TOLD or not state.request:
        return False
    rows = AgentUpgrade.objects.filter(agent_id=agent_pk, request=state.request)
    open_rows = rows.exclude(stage__in=[*_ENDS, UpgradeStage.WAITING, state.stage])
    with transaction.atomic():
        if not open_rows.update(stage=state.stage, detail=state.detail[:500], changed=clock()):
            return False
        if state.stage in _ENDS:
            _conclude(rows, clock)
    return True


def end_silent_upgrades(*, clock: Clock = utc_now) -> int:
    """End the upgrades whose agents have said nothing for too long; return how many."""
    late = AgentUpgrade.objects.filter(stage__in=ACTIVE, changed__lt=clock() - SILENCE)
    ended = 0
    for pk in list(late.values_list("pk", flat=True)):
        with transaction.atomic():
            if late.filter(pk=pk).update(
                stage=UpgradeStage.SILENT, detail=_SILENT, changed=clock()
            ):
                ended += 1
                _conclude(AgentUpgrade.objects.filter(pk=pk), clock)
    return ended


def cancel_upgrades(
    *, actor: Actor, rows: Sequence[Machine | Worker], clock: Clock = utc_now
) -> int:
    """Cancel the upgrades that the agents of targets or workers have not begun; return how many.

    Others of the same request go on. An agent that was sent its request in this very moment may
    begin it nevertheless, and then tells how it ends. Raises Invalid when there is nothing to do.
    """
    for row in rows:
        is_target = isinstance(row, Machine)
        require_on(actor, row, Permission.MachineEdit if is_target else Permission.WorkerEdit)
    canceled = []
    with transaction.atomic():
        for row in rows:
            upgrade = upgrade_of(row)
            if upgrade is None:
                continue
            open_rows = AgentUpgrade.objects.filter(pk=upgrade.pk, stage__in=CANCELABLE)
            detail = f"Canceled by {actor.display_name}."[:500]
            if open_rows.update(stage=UpgradeStage.CANCELED, detail=detail, changed=clock()):
                canceled.append(upgrade.pk)
        # All of them first: the wave that begins now must not take one that is canceled too.
        for pk in canceled:
            _conclude(AgentUpgrade.objects.filter(pk=pk), clock, actor)
    if not canceled:
        raise Invalid("There is no upgrade that could still be canceled.")
    return len(canceled)


def _conclude(rows: "QuerySet[AgentUpgrade]", clock: Clock, actor: Actor | None = None) -> None:
    related = ("agent__space", "agent__machine", "agent__worker")
    upgrade = rows.select_related(*related).get()
    _record(upgrade, clock, actor or Actor.system("upgrades"))
    _go_on(upgrade.batch, clock)


def _record(upgrade: AgentUpgrade, clock: Clock, actor: Actor) -> None:
    agent = upgrade.agent
    owner = getattr(agent, "machine", None) or getattr(agent, "worker", None)
    if owner is None:
        return
    stage = UpgradeStage(upgrade.stage)
    what = f"of the agent of {owner.name} to {upgrade.version}"
    ends = {
        UpgradeStage.DONE: f"The upgrade {what} succeeded",
        UpgradeStage.REFUSED: f"The upgrade {what} was refused: {upgrade.detail}",
        UpgradeStage.CANCELED: f"The upgrade {what} was canceled",
    }
    events.record(
        actor=actor,
        space=agent.space,
        category=_CATEGORIES[stage],
        message=ends.get(stage, f"The upgrade {what} failed: {upgrade.detail}"),
        subject=owner.public_id,
        clock=clock,
    )


def _go_on(batch: str, clock: Clock) -> None:
    """Let the next wave begin when nothing of the last one is open, unless something failed."""
    rows = list(AgentUpgrade.objects.filter(batch=batch).order_by("pk"))
    waiting = [row.pk for row in rows if row.stage == UpgradeStage.WAITING]
    if not waiting or any(row.stage in ACTIVE for row in rows):
        return
    still = AgentUpgrade.objects.filter(pk__in=waiting, stage=UpgradeStage.WAITING)
    if any(row.stage in _STOPPING for row in rows):
        detail = "Another agent of this upgrade failed."
        still.update(stage=UpgradeStage.HALTED, detail=detail, changed=clock())
        return
    done = sum(row.stage == UpgradeStage.DONE for row in rows)
    wave = {0: 1, 1: max(1, len(rows) // 10)}.get(done, len(waiting))
    still.filter(pk__in=waiting[:wave]).update(stage=UpgradeStage.REQUESTED, changed=clock())

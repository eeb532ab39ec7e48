"""What health checks have found: stored on targets and workers, told when it changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import ProtectedError

from deployments.base import public_ids
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.events import record
from deployments.base.models import Space
from deployments.infrastructure.health.policy import HealthPolicy, seconds_away
from deployments.infrastructure.models import Machine, Worker
from deployments.infrastructure.models.machine import HealthStatus
from deployments.infrastructure.services.machines import delete_machine
from deployments.infrastructure.services.workers import delete_worker

# So many checks in a row must have failed before a machine is deleted.
CHECKS_TO_DELETE: Final = 3
_LONGEST: Final = 500
_WORDS: Final = {
    HealthStatus.HEALTHY: "was found healthy",
    HealthStatus.HAS_WARNINGS: "has warnings",
    HealthStatus.UNHEALTHY: "was found unhealthy",
    HealthStatus.UNAVAILABLE: "is unavailable",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check said. `at` is when its command ended."""

    status: HealthStatus
    summary: str
    at: datetime
    task_id: str


def subjects_of(space: Space, ids: Sequence[str]) -> list[Machine | Worker]:
    """Return the targets and workers with these public ids, by name; missing ones are left out."""
    found: list[Machine | Worker] = []
    for model in (Machine, Worker):
        numbers = [n for text in ids if (n := public_ids.parse(model.id_prefix, text))]
        rows = model.objects.in_space(space).filter(pk__in=numbers)
        found += rows.select_related("policy", "agent__upgrade", "agent__session").order_by(
            "name", "pk"
        )
    return found


def store_finding(row: Machine | Worker, finding: Finding, policy: HealthPolicy) -> bool:
    """Store what a check found unless a later one has been stored; return whether it was.

    Joins the caller's transaction. A change of the status is an event.
    """
    before, summary = row.health_status, finding.summary[:_LONGEST]
    if row.last_check is not None and row.last_check >= finding.at:
        return False
    if finding.status == HealthStatus.UNAVAILABLE:
        if row.failed_checks and row.last_check is not None:
            row.away_s += seconds_away(policy, row.last_check, finding.at)
        row.failed_checks += 1
    else:
        row.failed_checks, row.away_s = 0, 0.0
        row.verdict, row.verdict_summary = finding.status, summary
    row.health_status, row.status_summary = finding.status, summary
    row.last_check, row.last_check_task = finding.at, finding.task_id
    row.save(
        update_fields=[
            *("health_status", "status_summary", "verdict", "verdict_summary"),
            *("last_check", "last_check_task", "failed_checks", "away_s"),
        ]
    )
    # That an agent left was seen at once, but only a check says that it stays away.
    is_missed = finding.status == HealthStatus.UNAVAILABLE and row.failed_checks == 1
    if before != finding.status or is_missed:
        record(
            actor=Actor.system("health checks"),
            space=row.space,
            category=f"Machine{finding.status}",
            message=f"{row.name} {_WORDS[finding.status]}: {summary}",
            subject=row.public_id,
            related=[finding.task_id],
            clock=lambda: finding.at,
        )
    return True


def is_to_be_deleted(row: Machine | Worker, policy: HealthPolicy) -> bool:
    """Tell whether the policy lets the row be deleted: checked often and away for long enough."""
    if isinstance(row, Worker) and row.is_built_in:
        return False
    return (
        policy.deletes
        and row.health_status == HealthStatus.UNAVAILABLE
        and row.failed_checks >= CHECKS_TO_DELETE
        and row.away_s >= policy.delete_after.total_seconds()
    )


def delete_unavailable(row: Machine | Worker, *, clock: Clock = utc_now) -> str:
    """Delete a target or worker by its policy; return a sentence that tells it."""
    actor = Actor.system(f"machine policy {row.policy.name}")
    try:
        with transaction.atomic():
            if isinstance(row, Machine):
                delete_machine(actor=actor, row=row, clock=clock)
            else:
                delete_worker(actor=actor, row=row, clock=clock)
    except ProtectedError:
        text = f"{row.name} could not be deleted: it is still used."
        record(
            actor=actor,
            space=row.space,
            category="MachineCleanupFailed",
            message=text,
            subject=row.public_id,
            clock=clock,
        )
        return text
    return (
        f"{row.name} was deleted by the policy {row.policy.name}: {row.failed_checks} checks in a"
        f" row did not reach it in {row.away_s / 3600:.3g} hours."
    )

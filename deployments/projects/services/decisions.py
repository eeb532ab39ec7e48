"""The log of what triggers and lifecycles decided by themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from deployments.base.clock import Clock, utc_now
from deployments.projects.models import AutomationDecision, Project, ProjectTrigger

KEPT_FOR: Final = timedelta(days=90)
LONGEST_CAUSE: Final = 300


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided and why. The ids are public ones, empty where there is no such thing."""

    outcome: str
    cause: str
    reason: str
    event_id: str = ""
    release_id: str = ""
    environment_id: str = ""
    tenant_id: str = ""
    results: Sequence[str] = ()


def log_decision(
    project: Project,
    decision: Decision,
    *,
    trigger: ProjectTrigger | None = None,
    clock: Clock = utc_now,
) -> AutomationDecision:
    """Keep a decision; joins the caller's transaction."""
    return AutomationDecision.objects.create(
        space=project.space,
        project=project,
        trigger=trigger,
        made=clock(),
        outcome=decision.outcome,
        cause=decision.cause[:LONGEST_CAUSE],
        reason=decision.reason,
        event_id=decision.event_id,
        release_id=decision.release_id,
        environment_id=decision.environment_id,
        tenant_id=decision.tenant_id,
        results=list(decision.results),
    )


def forget_old_decisions(*, clock: Clock = utc_now) -> int:
    """Delete the decisions that are older than what is kept; return how many."""
    rows = AutomationDecision.objects.unscoped(reason="automation spans the spaces")
    deleted, _ = rows.filter(made__lt=clock() - KEPT_FOR).delete()
    return deleted

"""Makes the plan of a task when it starts: each kind of task has its maker."""

from collections.abc import Mapping
from typing import Final, Protocol

from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.execution.models import ExecutionPlan
from deployments.execution.services.health.plan import plan_health
from deployments.execution.services.plan_deployment import plan_deployment, plan_runbook_run
from deployments.infrastructure.services.health import KIND as HEALTH
from deployments.releases.services.queueing import KIND as DEPLOY
from deployments.releases.services.runbook_runs import KIND as RUNBOOK_RUN
from deployments.server_tasks.models import ServerTask


class PlanMaker(Protocol):
    """Returns the unsaved plan of a task. Raises Invalid when it cannot be planned."""

    def __call__(self, task: ServerTask, *, clock: Clock) -> ExecutionPlan: ...


PLAN_MAKERS: Final[Mapping[str, PlanMaker]] = {
    DEPLOY: plan_deployment,
    RUNBOOK_RUN: plan_runbook_run,
    HEALTH: plan_health,
}


def make_execution_plan(task: ServerTask, *, clock: Clock = utc_now) -> ExecutionPlan:
    """Return the unsaved plan of a task. Raises Invalid when it cannot be planned."""
    maker = PLAN_MAKERS.get(task.kind)
    if maker is None:
        raise Invalid(f"This server does not carry out tasks of the kind {task.kind}.")
    return maker(task, clock=clock)

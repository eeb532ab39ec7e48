"""The action of a schedule that runs a runbook, always as it is published."""

from dataclasses import replace

from deployments.access.actors import actor_behind
from deployments.base.clock import Clock
from deployments.base.errors import Invalid
from deployments.base.finding import find
from deployments.infrastructure.models import Environment
from deployments.projects.models import Outcome, PendingDeployment, ProjectTrigger, Runbook
from deployments.projects.queries import runbooks_of
from deployments.projects.services.decisions import Decision
from deployments.projects.triggers.actions import answers_of_action
from deployments.releases.models import RunbookRun
from deployments.releases.options import DeploymentOptions, Trigger
from deployments.releases.queries import published_snapshot
from deployments.releases.services.automation.acting import attempt, decision_about
from deployments.releases.services.automation.meant import (
    environment_meant,
    plan_for_tenants,
    tenants_meant,
)
from deployments.releases.services.runbook_runs import create_runbook_run
from tenants.models import Tenant


def run_of_runbook(trigger: ProjectTrigger, cause: str, clock: Clock) -> list[Decision]:
    """Run the runbook in each environment; runs for tenants are planned and made one by one.

    Raises Invalid when nothing can be run at all.
    """
    runbook = _published_runbook(trigger)
    whom = tenants_meant(trigger)
    places = [environment_meant(trigger, text) for text in trigger.action["EnvironmentIds"]]
    if not whom:
        return [_decided(trigger, runbook, place, None, cause, clock) for place in places]
    for place in places:
        plan_for_tenants(trigger, place, whom, cause, clock)
    return []


def run_planned(
    row: PendingDeployment, trigger: ProjectTrigger, tenant: Tenant | None, clock: Clock
) -> Decision:
    """Run the runbook for a tenant, as it was planned."""
    runbook, refusal = attempt(lambda: _published_runbook(trigger), name=trigger.saved_by_name)
    if runbook is None:
        return decision_about(row, Outcome.REFUSED, refusal)
    return _decided(trigger, runbook, row.environment, tenant, row.cause, clock)


def _published_runbook(trigger: ProjectTrigger) -> Runbook:
    number = trigger.action["RunbookId"]
    runbook = find(runbooks_of(trigger.project), number)
    if runbook is None:
        raise Invalid(f"The runbook {number} does not exist any more.")
    runbook.project = trigger.project
    if published_snapshot(runbook) is None:
        raise Invalid(f"The runbook '{runbook.name}' has no published snapshot.")
    return runbook


def _decided(
    trigger: ProjectTrigger,
    runbook: Runbook,
    environment: Environment,
    tenant: Tenant | None,
    cause: str,
    clock: Clock,
) -> Decision:
    where = f"{environment.name} for {tenant.name}" if tenant else environment.name
    decision = Decision(
        Outcome.RUN,
        cause,
        f"{runbook.name} is run in {where}.",
        environment_id=environment.public_id,
        tenant_id=tenant.public_id if tenant else "",
    )
    run, refusal = attempt(
        lambda: _run(trigger, runbook, environment, tenant, clock), name=trigger.saved_by_name
    )
    if run is None:
        reason = f"{runbook.name} was not run in {where}: {refusal}"
        return replace(decision, outcome=Outcome.REFUSED, reason=reason)
    return replace(decision, results=(run.public_id,))


def _run(
    trigger: ProjectTrigger,
    runbook: Runbook,
    environment: Environment,
    tenant: Tenant | None,
    clock: Clock,
) -> RunbookRun:
    return create_runbook_run(
        actor=actor_behind(
            trigger.saved_by, trigger.saved_by_name, reason=f"trigger {trigger.name}"
        ),
        runbook=runbook,
        environment=environment,
        tenant=tenant,
        options=DeploymentOptions(
            comments=f"Run by the trigger {trigger.name}.",
            form_values=answers_of_action(trigger.action),
            trigger=Trigger(trigger.public_id, trigger.name),
        ),
        clock=clock,
    )

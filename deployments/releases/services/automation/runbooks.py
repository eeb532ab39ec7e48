"""The action of a schedule that runs a runbook, always as it is published."""

from deployments.base.clock import Clock
from deployments.base.errors import Invalid
from deployments.base.finding import find
from deployments.infrastructure.models import Environment
from deployments.projects.models import Outcome, PendingDeployment, ProjectTrigger, Runbook
from deployments.projects.queries import runbooks_of
from deployments.projects.services.decisions import Decision
from deployments.releases.queries import published_snapshot
from deployments.releases.services.automation.acting import attempt, decision_about
from deployments.releases.services.automation.by_trigger import (
    actor_of,
    begun,
    decision_there,
    options_of,
    place_words,
)
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
    where = place_words(environment, tenant)
    said = f"{runbook.name} is run in {where}."
    return begun(
        trigger,
        decision_there(Outcome.RUN, cause, said, environment, tenant),
        lambda: create_runbook_run(
            actor=actor_of(trigger),
            runbook=runbook,
            environment=environment,
            tenant=tenant,
            options=options_of(trigger, "Run"),
            clock=clock,
        ),
        refused=f"{runbook.name} was not run in {where}",
    )

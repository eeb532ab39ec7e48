"""The action of a trigger that runs runbooks, always as they are published."""

from deployments.base.clock import Clock
from deployments.base.errors import Invalid
from deployments.base.finding import find
from deployments.infrastructure.models import Environment
from deployments.projects.models import Outcome, PendingDeployment, ProjectTrigger, Runbook
from deployments.projects.queries import runbooks_of
from deployments.projects.services.decisions import Decision
from deployments.releases.queries import published_snapshot
from deployments.releases.services.automation.acting import decision_about
from deployments.releases.services.automation.by_trigger import (
    Occasion,
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
from tenants.matching import matches_tags
from tenants.models import Tenant


def run_runbooks(trigger: ProjectTrigger, occasion: Occasion, clock: Clock) -> list[Decision]:
    """Run the runbooks in each environment; runs for tenants are planned and made one by one.

    Raises Invalid when nothing can be run at all.
    """
    whom = tenants_meant(trigger)
    places = [environment_meant(trigger, text) for text in trigger.action["EnvironmentIds"]]
    decisions = []
    for runbook in _runbooks_meant(trigger):
        if published_snapshot(runbook) is None:
            why = _unpublished(runbook)
            refused = Decision(Outcome.REFUSED, occasion.cause, why, event_id=occasion.event_id)
            decisions.append(refused)
        elif not whom:
            made = (_decided(trigger, runbook, place, None, occasion, clock) for place in places)
            decisions.extend(made)
        else:
            for place in places:
                plan_for_tenants(trigger, place, whom, occasion, clock, runbook=runbook.pk)
    return decisions


def run_planned(
    row: PendingDeployment, trigger: ProjectTrigger, tenant: Tenant | None, clock: Clock
) -> Decision:
    """Run the runbook for a tenant, as it was planned."""
    runbook = runbooks_of(trigger.project).filter(pk=row.runbook_number or 0).first()
    if runbook is None:
        return decision_about(row, Outcome.REFUSED, _gone(f"Runbooks-{row.runbook_number}"))
    runbook.project = trigger.project
    if published_snapshot(runbook) is None:
        return decision_about(row, Outcome.REFUSED, _unpublished(runbook))
    occasion = Occasion(row.cause, row.event_id)
    return _decided(trigger, runbook, row.environment, tenant, occasion, clock)


def _runbooks_meant(trigger: ProjectTrigger) -> list[Runbook]:
    """Return the runbook of the action, or those that its tags mean; raises Invalid for none."""
    rows, tags = runbooks_of(trigger.project), trigger.action.get("RunbookTags")
    if tags:
        found = [row for row in rows if matches_tags(tags, row.settings.get("RunbookTags", ()))]
        if not found:
            raise Invalid(f"No runbook of the project is tagged {', '.join(tags)}.")
    else:
        number = trigger.action["RunbookId"]
        one = find(rows, number)
        if one is None:
            raise Invalid(_gone(number))
        found = [one]
    for row in found:
        row.project = trigger.project
    return found


def _gone(number: str) -> str:
    return f"The runbook {number} does not exist any more."


def _unpublished(runbook: Runbook) -> str:
    return f"The runbook '{runbook.name}' has no published snapshot."


def _decided(
    trigger: ProjectTrigger,
    runbook: Runbook,
    environment: Environment,
    tenant: Tenant | None,
    occasion: Occasion,
    clock: Clock,
) -> Decision:
    where = place_words(environment, tenant)
    said = f"{runbook.name} is run in {where}."
    return begun(
        trigger,
        decision_there(Outcome.RUN, occasion, said, environment, tenant),
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

"""What triggers do when their time or their news have come: releases, deployments, runs."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from deployments.base.clock import Clock
from deployments.infrastructure.models import Environment
from deployments.projects.models import Outcome, PendingDeployment, ProjectTrigger
from deployments.projects.queries import default_channel
from deployments.projects.services.decisions import Decision
from deployments.projects.triggers.actions import (
    CREATE_RELEASE,
    DEPLOY_LATEST,
    DEPLOY_NEW,
    RUN_RUNBOOK,
)
from deployments.releases.models import Release
from deployments.releases.services.automation.acting import (
    attempt,
    current_deployment,
    running_deployments,
)
from deployments.releases.services.automation.by_trigger import (
    Occasion,
    actor_of,
    begun,
    decision_there,
    options_of,
    place_words,
)
from deployments.releases.services.automation.feeds import ask_feeds
from deployments.releases.services.automation.latest import Chosen, channel_of, latest_release
from deployments.releases.services.automation.meant import (
    environment_meant,
    plan_for_tenants,
    tenants_meant,
)
from deployments.releases.services.automation.runbooks import run_planned, run_runbooks
from deployments.releases.services.deployments import create_deployment
from deployments.releases.services.releases import create_release
from tenants.models import Tenant
from tenants.queries import tenant_of

_CREATED: Final = "just created"


def prepare(trigger: ProjectTrigger, clock: Clock) -> None:
    """Let external feeds answer before the transaction begins, if a release is to be created."""
    if trigger.action["ActionType"] not in {DEPLOY_NEW, CREATE_RELEASE}:
        return
    channel, _ = attempt(
        lambda: channel_of(trigger) or default_channel(trigger.project), name=trigger.saved_by_name
    )
    if channel is not None:
        ask_feeds(trigger, channel, clock=clock)


def act(trigger: ProjectTrigger, occasion: Occasion, clock: Clock) -> list[Decision]:
    """Do what the trigger is for, and say what came of it; joins the transaction.

    What is meant for many tenants is planned and decided upon one by one.
    """
    do = _ACTS[trigger.action["ActionType"]]
    decisions, refusal = attempt(lambda: do(trigger, occasion, clock), name=trigger.saved_by_name)
    if decisions is None:
        return [Decision(Outcome.REFUSED, occasion.cause, refusal, event_id=occasion.event_id)]
    return decisions


def deploy_planned(
    row: PendingDeployment, trigger: ProjectTrigger, release: Release | None, clock: Clock
) -> Decision:
    """Deploy for the tenant what is current for it, or the release that was made for all.

    The trigger may run a runbook for it instead.
    """
    tenant, environment = tenant_of(trigger.space, row.tenant_number), row.environment
    if trigger.action["ActionType"] == RUN_RUNBOOK:
        return run_planned(row, trigger, tenant, clock)
    if release is not None:
        chosen = Chosen(release, _CREATED)
    else:
        found, refusal = attempt(
            lambda: latest_release(trigger, environment, tenant), name=trigger.saved_by_name
        )
        chosen = found or Chosen(None, refusal)
    occasion = Occasion(row.cause, row.event_id)
    return _deployed(trigger, environment, tenant, chosen, occasion, clock)


def _create(trigger: ProjectTrigger, occasion: Occasion, clock: Clock) -> list[Decision]:
    return [_created(_new_release(trigger, occasion, clock), occasion)]


def _deploy_new(trigger: ProjectTrigger, occasion: Occasion, clock: Clock) -> list[Decision]:
    environment = environment_meant(trigger, trigger.action["EnvironmentId"])
    whom = tenants_meant(trigger)
    release = _new_release(trigger, occasion, clock)
    created = _created(release, occasion)
    if whom:
        plan_for_tenants(trigger, environment, whom, occasion, clock, release=release.pk)
        return [created]
    chosen = Chosen(release, _CREATED)
    return [created, _deployed(trigger, environment, None, chosen, occasion, clock)]


def _deploy_latest(trigger: ProjectTrigger, occasion: Occasion, clock: Clock) -> list[Decision]:
    environment = environment_meant(trigger, trigger.action["DestinationEnvironmentId"])
    if whom := tenants_meant(trigger, occasion):
        plan_for_tenants(trigger, environment, whom, occasion, clock)
        return []
    chosen = latest_release(trigger, environment, None)
    return [_deployed(trigger, environment, None, chosen, occasion, clock)]


def _new_release(trigger: ProjectTrigger, occasion: Occasion, clock: Clock) -> Release:
    return create_release(
        actor=actor_of(trigger),
        project=trigger.project,
        channel=channel_of(trigger),
        notes=occasion.notes,
        asks_feeds=False,
        clock=clock,
    )


def _created(release: Release, occasion: Occasion) -> Decision:
    return Decision(
        Outcome.CREATED,
        occasion.cause,
        f"{release.version} was created.",
        event_id=occasion.event_id,
        release_id=release.public_id,
        results=(release.public_id,),
    )


def _deployed(
    trigger: ProjectTrigger,
    environment: Environment,
    tenant: Tenant | None,
    chosen: Chosen,
    occasion: Occasion,
    clock: Clock,
) -> Decision:
    """Deploy the chosen release, unless it is current there and that is enough."""
    where = place_words(environment, tenant)
    decision = decision_there(Outcome.NOTHING, occasion, chosen.why, environment, tenant)
    release = chosen.release
    if release is None:
        return decision
    decision = replace(decision, release_id=release.public_id)
    if not trigger.action.get("ShouldRedeployWhenReleaseIsCurrent", True):
        number = tenant.pk if tenant else None
        current = current_deployment(trigger.space, trigger.project_id, environment.pk, number)
        if current is not None and current.release_id == release.pk:
            return replace(decision, reason=f"{release.version} is current in {where} already.")
        under_way = running_deployments(trigger.space, trigger.project_id, environment.pk)
        running = under_way.get(number)
        if running is not None and running.release_id == release.pk:
            return replace(decision, reason=f"{release.version} is on its way to {where} already.")
    what = f"{release.version}, {chosen.why},"
    return begun(
        trigger,
        replace(decision, outcome=Outcome.DEPLOYED, reason=f"{what} is deployed to {where}."),
        lambda: create_deployment(
            actor=actor_of(trigger),
            release=release,
            environment=environment,
            tenant=tenant,
            options=options_of(trigger, "Deployed"),
            clock=clock,
        ),
        refused=f"{what} was not deployed to {where}",
    )


_Act = Callable[[ProjectTrigger, Occasion, Clock], list[Decision]]
_ACTS: Final[dict[str, _Act]] = {
    CREATE_RELEASE: _create,
    DEPLOY_LATEST: _deploy_latest,
    DEPLOY_NEW: _deploy_new,
    RUN_RUNBOOK: run_runbooks,
}

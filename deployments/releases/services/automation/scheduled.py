"""Scheduled triggers: each due one runs once, however much of its time the server was away."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import transaction

from deployments.base.clock import Clock, utc_now
from deployments.infrastructure.models import Environment
from deployments.projects.models import Outcome, PendingDeployment, ProjectTrigger
from deployments.projects.queries import default_channel
from deployments.projects.services.decisions import Decision, log_decision
from deployments.projects.triggers.actions import (
    DEPLOY_LATEST,
    DEPLOY_NEW,
    RUN_RUNBOOK,
)
from deployments.projects.triggers.filters import SCHEDULES, timetable_of
from deployments.projects.triggers.schedules import next_run
from deployments.releases.models import Release
from deployments.releases.services.automation.acting import (
    attempt,
    current_deployment,
)
from deployments.releases.services.automation.by_trigger import (
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

log = structlog.get_logger(__name__)

_EVERY_SPACE = "automation spans the spaces"
# From here on a run counts as late and says so.
_LATE: Final = timedelta(minutes=2)
_CREATED: Final = "just created"


def run_due_schedules(*, clock: Clock = utc_now) -> int:
    """Run what is due; return how many triggers ran."""
    now = clock()
    rows = ProjectTrigger.objects.unscoped(reason=_EVERY_SPACE).filter(space__deletion="")
    due = rows.filter(filter_type__in=SCHEDULES, is_disabled=False, next_run__lte=now)
    moments = list(due.order_by("next_run").values_list("pk", "next_run"))
    return sum(_run(pk, moment, clock) for pk, moment in moments if moment is not None)


def _run(pk: int, planned: datetime, clock: Clock) -> bool:
    try:
        _ask_feeds(pk, clock)
        with transaction.atomic():
            trigger = _claim(pk, planned, clock)
            if trigger is None:
                return False
            for decision in _decide(trigger, planned, clock):
                log_decision(trigger.project, decision, trigger=trigger, clock=clock)
    except Exception as error:
        log.exception("scheduled trigger failed", trigger=pk)
        return _pass_over(pk, planned, error, clock)
    return True


def _ask_feeds(pk: int, clock: Clock) -> None:
    """Let external feeds answer before the transaction begins, if a release is to be created."""
    rows = ProjectTrigger.objects.unscoped(reason=_EVERY_SPACE).filter(pk=pk)
    trigger = rows.select_related("project", "space").first()
    if trigger is None or trigger.action["ActionType"] != DEPLOY_NEW:
        return
    channel, _ = attempt(
        lambda: channel_of(trigger) or default_channel(trigger.project), name=trigger.saved_by_name
    )
    if channel is not None:
        ask_feeds(trigger, channel, clock=clock)


def _claim(pk: int, planned: datetime, clock: Clock) -> ProjectTrigger | None:
    """Move the trigger to its next time; None when somebody else has, or it was changed."""
    rows = ProjectTrigger.objects.unscoped(reason=_EVERY_SPACE)
    rows = rows.filter(pk=pk, next_run=planned, is_disabled=False)
    trigger = rows.select_related("project", "space").first()
    if trigger is None:
        return None
    table = timetable_of(trigger.filter)
    # From now on, not from the planned time: what was missed meanwhile counts as one run.
    upcoming = next_run(table.schedule, table.zone, clock())
    return trigger if rows.update(next_run=upcoming, last_run=clock()) else None


def _pass_over(pk: int, planned: datetime, error: Exception, clock: Clock) -> bool:
    with transaction.atomic():
        trigger = _claim(pk, planned, clock)
        if trigger is None:
            return False
        reason = (
            f"It failed in the server ({type(error).__name__}); the server's log has the error."
        )
        decision = Decision(Outcome.REFUSED, _cause(planned, clock()), reason)
        log_decision(trigger.project, decision, trigger=trigger, clock=clock)
    return True


def _decide(trigger: ProjectTrigger, planned: datetime, clock: Clock) -> list[Decision]:
    cause = _cause(planned, clock())
    decide = _DECIDE[trigger.action["ActionType"]]
    decisions, refusal = attempt(lambda: decide(trigger, cause, clock), name=trigger.saved_by_name)
    return [Decision(Outcome.REFUSED, cause, refusal)] if decisions is None else decisions


def _cause(planned: datetime, now: datetime) -> str:
    text = f"Planned for {planned:%Y-%m-%d %H:%M:%S} UTC"
    late = now - planned
    if late < _LATE:
        return text
    return f"{text}, made up for once {round(late.total_seconds() / 60)} minutes later"


def _deploy_new(trigger: ProjectTrigger, cause: str, clock: Clock) -> list[Decision]:
    environment = environment_meant(trigger, trigger.action["EnvironmentId"])
    whom = tenants_meant(trigger)
    release = create_release(
        actor=actor_of(trigger),
        project=trigger.project,
        channel=channel_of(trigger),
        asks_feeds=False,
        clock=clock,
    )
    created = Decision(
        Outcome.CREATED,
        cause,
        f"{release.version} was created.",
        release_id=release.public_id,
        results=(release.public_id,),
    )
    if whom:
        plan_for_tenants(trigger, environment, whom, cause, clock, release=release.pk)
        return [created]
    chosen = Chosen(release, _CREATED)
    return [created, _deployed(trigger, environment, None, chosen, cause, clock)]


def _deploy_latest(trigger: ProjectTrigger, cause: str, clock: Clock) -> list[Decision]:
    environment = environment_meant(trigger, trigger.action["DestinationEnvironmentId"])
    if whom := tenants_meant(trigger):
        plan_for_tenants(trigger, environment, whom, cause, clock)
        return []
    chosen = latest_release(trigger, environment, None)
    return [_deployed(trigger, environment, None, chosen, cause, clock)]


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
    return _deployed(trigger, environment, tenant, chosen, row.cause, clock)


def _deployed(
    trigger: ProjectTrigger,
    environment: Environment,
    tenant: Tenant | None,
    chosen: Chosen,
    cause: str,
    clock: Clock,
) -> Decision:
    """Deploy the chosen release, unless it is current there and that is enough."""
    where = place_words(environment, tenant)
    decision = decision_there(Outcome.NOTHING, cause, chosen.why, environment, tenant)
    release = chosen.release
    if release is None:
        return decision
    decision = replace(decision, release_id=release.public_id)
    if not trigger.action.get("ShouldRedeployWhenReleaseIsCurrent", True):
        number = tenant.pk if tenant else None
        current = current_deployment(trigger.space, trigger.project_id, environment.pk, number)
        if current is not None and current.release_id == release.pk:
            return replace(decision, reason=f"{release.version} is current in {where} already.")
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


_DECIDE: Final = {
    DEPLOY_LATEST: _deploy_latest,
    DEPLOY_NEW: _deploy_new,
    RUN_RUNBOOK: run_runbooks,
}

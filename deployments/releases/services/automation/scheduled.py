"""Scheduled triggers: each due one runs once, however much of its time the server was away."""

from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import transaction

from deployments.access.actors import actor_behind
from deployments.base import public_ids
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.infrastructure.models import Environment
from deployments.projects.models import Channel, Outcome, ProjectTrigger
from deployments.projects.services.decisions import Decision, log_decision
from deployments.projects.triggers.actions import DEPLOY_NEW, answers_of_action
from deployments.projects.triggers.filters import SCHEDULES, timetable_of
from deployments.projects.triggers.schedules import next_run
from deployments.releases.models import Deployment, Release
from deployments.releases.options import DeploymentOptions, Trigger
from deployments.releases.queries import progressions_of, releases_of
from deployments.releases.services.automation.acting import attempt, current_deployment
from deployments.releases.services.deployments import create_deployment
from deployments.releases.services.releases import create_release
from deployments.server_tasks.states import TaskState

log = structlog.get_logger(__name__)

_EVERY_SPACE = "automation spans the spaces"
# From here on a run counts as late and says so.
_LATE: Final = timedelta(minutes=2)
_MOST_CANDIDATES: Final = 200


def run_due_schedules(*, clock: Clock = utc_now) -> int:
    """Run what is due; return how many triggers ran."""
    now = clock()
    rows = ProjectTrigger.objects.unscoped(reason=_EVERY_SPACE)
    due = rows.filter(filter_type__in=SCHEDULES, is_disabled=False, next_run__lte=now)
    moments = list(due.order_by("next_run").values_list("pk", "next_run"))
    return sum(_run(pk, moment, clock) for pk, moment in moments if moment is not None)


def _run(pk: int, planned: datetime, clock: Clock) -> bool:
    try:
        with transaction.atomic():
            trigger = _claim(pk, planned, clock)
            if trigger is None:
                return False
            log_decision(
                trigger.project, _decide(trigger, planned, clock), trigger=trigger, clock=clock
            )
    except Exception as error:
        log.exception("scheduled trigger failed", trigger=pk)
        return _pass_over(pk, planned, error, clock)
    return True


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


def _decide(trigger: ProjectTrigger, planned: datetime, clock: Clock) -> Decision:
    cause = _cause(planned, clock())
    decide = _deploy_new if trigger.action["ActionType"] == DEPLOY_NEW else _deploy_latest
    decision, refusal = attempt(lambda: decide(trigger, cause, clock), name=trigger.saved_by_name)
    return decision or Decision(Outcome.REFUSED, cause, refusal)


def _cause(planned: datetime, now: datetime) -> str:
    text = f"Planned for {planned:%Y-%m-%d %H:%M:%S} UTC"
    late = now - planned
    if late < _LATE:
        return text
    return f"{text}, made up for once {round(late.total_seconds() / 60)} minutes later"


def _deploy_new(trigger: ProjectTrigger, cause: str, clock: Clock) -> Decision:
    environment = _environment(trigger, "EnvironmentId")
    actor = actor_behind(trigger.saved_by, trigger.saved_by_name, reason=f"trigger {trigger.name}")
    release = create_release(
        actor=actor, project=trigger.project, channel=_channel(trigger), clock=clock
    )
    deployment, refusal = attempt(
        lambda: _deploy(trigger, release, environment, clock), name=trigger.saved_by_name
    )
    if deployment is None:
        reason = f"{release.version} was created, but not deployed to {environment.name}: {refusal}"
        return Decision(
            Outcome.REFUSED,
            cause,
            reason,
            release_id=release.public_id,
            environment_id=environment.public_id,
            results=(release.public_id,),
        )
    return Decision(
        Outcome.DEPLOYED,
        cause,
        f"{release.version} was created and is deployed to {environment.name}.",
        release_id=release.public_id,
        environment_id=environment.public_id,
        results=(release.public_id, deployment.public_id),
    )


def _deploy_latest(trigger: ProjectTrigger, cause: str, clock: Clock) -> Decision:
    environment = _environment(trigger, "DestinationEnvironmentId")
    place = environment.public_id
    release, why = _latest_release(trigger, environment)
    if release is None:
        return Decision(Outcome.NOTHING, cause, why, environment_id=place)
    if not trigger.action["ShouldRedeployWhenReleaseIsCurrent"]:
        current = current_deployment(trigger.space, trigger.project_id, environment.pk)
        if current is not None and current.release_id == release.pk:
            reason = f"{release.version} is current in {environment.name} already."
            return Decision(
                Outcome.NOTHING, cause, reason, release_id=release.public_id, environment_id=place
            )
    deployment, refusal = attempt(
        lambda: _deploy(trigger, release, environment, clock), name=trigger.saved_by_name
    )
    if deployment is None:
        reason = f"{release.version}, {why}, was not deployed to {environment.name}: {refusal}"
        return Decision(
            Outcome.REFUSED, cause, reason, release_id=release.public_id, environment_id=place
        )
    return Decision(
        Outcome.DEPLOYED,
        cause,
        f"{release.version}, {why}, is deployed to {environment.name}.",
        release_id=release.public_id,
        environment_id=place,
        results=(deployment.public_id,),
    )


def _latest_release(
    trigger: ProjectTrigger, destination: Environment
) -> tuple[Release | None, str]:
    """Return the release to deploy and what makes it the one, or why there is none."""
    channel = _channel(trigger)
    of_channel = f" of the channel {channel.name}" if channel else ""
    sources = trigger.action["SourceEnvironmentIds"]
    if sources:
        numbers = [public_ids.parse(Environment.id_prefix, text) for text in sources]
        rows = Deployment.objects.in_space(trigger.space).filter(
            project=trigger.project_id,
            environment__in=[number for number in numbers if number is not None],
            tenant_number=None,
            task__state=TaskState.SUCCESS,
        )
        if channel is not None:
            rows = rows.filter(channel=channel)
        newest = rows.select_related("release__project", "release__channel", "environment").first()
        if newest is not None:
            return newest.release, f"current in {newest.environment.name}"
        names = ", ".join(_names(trigger, numbers))
        return None, f"No release{of_channel} has been deployed to {names} successfully."
    releases = releases_of(trigger.project).select_related(
        "project", "channel__lifecycle", "channel__project__lifecycle"
    )
    if channel is not None:
        releases = releases.filter(channel=channel)
    newest_first = list(releases[:_MOST_CANDIDATES])
    progressions = progressions_of(newest_first)
    for release in newest_first:
        if progressions[release.pk].may_deploy_to(destination.pk):
            return release, f"the newest{of_channel} that the lifecycle admits"
    return None, f"The lifecycle admits no release{of_channel} to {destination.name}."


def _names(trigger: ProjectTrigger, numbers: list[int | None]) -> list[str]:
    rows = Environment.objects.in_space(trigger.space).filter(
        pk__in=[number for number in numbers if number is not None]
    )
    return list(rows.values_list("name", flat=True))


def _deploy(
    trigger: ProjectTrigger, release: Release, environment: Environment, clock: Clock
) -> Deployment:
    return create_deployment(
        actor=actor_behind(
            trigger.saved_by, trigger.saved_by_name, reason=f"trigger {trigger.name}"
        ),
        release=release,
        environment=environment,
        options=DeploymentOptions(
            comments=f"Deployed by the trigger {trigger.name}.",
            form_values=answers_of_action(trigger.action),
            trigger=Trigger(trigger.public_id, trigger.name),
        ),
        clock=clock,
    )


def _environment(trigger: ProjectTrigger, name: str) -> Environment:
    text = str(trigger.action[name])
    number = public_ids.parse(Environment.id_prefix, text)
    row = Environment.objects.in_space(trigger.space).filter(pk=number or 0).first()
    if row is None:
        raise Invalid(f"The environment {text} does not exist any more.")
    return row


def _channel(trigger: ProjectTrigger) -> Channel | None:
    text = trigger.action["ChannelId"]
    if not text:
        return None
    number = public_ids.parse(Channel.id_prefix, text)
    rows = Channel.objects.in_space(trigger.space).filter(
        project=trigger.project_id, pk=number or 0
    )
    row = rows.select_related("lifecycle", "project").first()
    if row is None:
        raise Invalid(f"The channel {text} does not exist any more.")
    return row

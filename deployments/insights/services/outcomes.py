"""Keeping how each deployment ended, from the stream of events."""

from datetime import datetime, timedelta
from typing import Final

from django.db.models import Max, Min, QuerySet

from deployments.base import public_ids
from deployments.base.models import Event
from deployments.execution.guided import KIND as GUIDED
from deployments.execution.models import Interruption
from deployments.insights.metrics import Ended, Outcome, Spans, Standing, outcome_of, spans_of
from deployments.insights.models import DeploymentOutcome
from deployments.releases.models import Deployment, Release
from deployments.server_tasks.models import ServerTask

NAME: Final = "metrics"
LABEL: Final = "Metrics of deployments"
CATEGORIES: Final = ("DeploymentSucceeded", "DeploymentFailed", "TaskStateChanged")


def follow_ends(event: Event) -> None:
    """Count the deployment that has ended, or whose end was corrected; joins the transaction."""
    if event.space is None:
        return
    rows = Deployment.objects.in_space(event.space)
    number = public_ids.parse(Deployment.id_prefix, event.subject_id)
    task = public_ids.parse(ServerTask.id_prefix, event.subject_id)
    found = rows.filter(task=task) if task is not None else rows.filter(pk=number or 0)
    deployment = found.select_related("task", "space").first()
    if deployment is not None:
        count_deployment(deployment)


def count_deployment(deployment: Deployment) -> None:
    """Keep how the deployment ended; doing it again changes nothing.

    What ended later at the same place is judged anew: the end may have been corrected.
    """
    task, space = deployment.task, deployment.space
    asked = Interruption.objects.in_space(space).filter(task=task, kind=GUIDED)
    outcome = outcome_of(task.state, needed_guidance=asked.exists())
    before = DeploymentOutcome.objects.in_space(space).filter(deployment_number=deployment.pk)
    row = before.first() or DeploymentOutcome(space=space, deployment_number=deployment.pk)
    row.project_id, row.environment_id = deployment.project_id, deployment.environment_id
    row.channel_number, row.tenant_number = deployment.channel_id, deployment.tenant_number
    row.release_number = deployment.release_id
    row.completed = task.completed or task.last_updated
    row.is_success = outcome is Outcome.SUCCEEDED
    standing = _standing_before(row)
    if outcome is Outcome.NOT_COUNTED:
        before.delete()
    else:
        due = task.not_before or task.queued
        ended = Ended(row.release_number, row.is_success, due, task.started, row.completed)
        spans = _spans(row, ended, standing)
        row.lead, row.recovery = _seconds(spans.lead), _seconds(spans.recovery)
        row.duration, row.queueing = _seconds(spans.duration), _seconds(spans.queueing)
        row.save()
        standing = standing.after(row.release_number, row.completed, is_success=row.is_success)
    _judge_later(row, standing)


def _at_place(row: DeploymentOutcome) -> "QuerySet[DeploymentOutcome]":
    return DeploymentOutcome.objects.in_space(row.space).filter(
        environment=row.environment_id,
        channel_number=row.channel_number,
        tenant_number=row.tenant_number,
    )


def _standing_before(row: DeploymentOutcome) -> Standing:
    """Return how the place of the row stood when its deployment ended."""
    earlier = _at_place(row).filter(completed__lt=row.completed)
    succeeded = earlier.filter(is_success=True).aggregate(
        reached=Max("release_number"), last=Max("completed")
    )
    failed = earlier.filter(is_success=False)
    if succeeded["last"] is not None:
        failed = failed.filter(completed__gt=succeeded["last"])
    return Standing(succeeded["reached"] or 0, failed.aggregate(first=Min("completed"))["first"])


def _judge_later(row: DeploymentOutcome, standing: Standing) -> None:
    """Work out anew what depends on how the place stood: lead time and recovery."""
    later = _at_place(row).filter(completed__gt=row.completed)
    for each in later.order_by("completed", "pk"):
        ended = Ended(each.release_number, each.is_success, each.completed, None, each.completed)
        spans = _spans(each, ended, standing)
        lead, recovery = _seconds(spans.lead), _seconds(spans.recovery)
        if (lead, recovery) != (each.lead, each.recovery):
            each.lead, each.recovery = lead, recovery
            each.save(update_fields=["lead", "recovery"])
        standing = standing.after(each.release_number, each.completed, is_success=each.is_success)


def _spans(row: DeploymentOutcome, ended: Ended, standing: Standing) -> Spans:
    def oldest_made(after: int, up_to: int) -> datetime | None:
        releases = Release.objects.in_space(row.space).filter(
            channel=row.channel_number, pk__gt=after, pk__lte=up_to
        )
        oldest: datetime | None = releases.aggregate(oldest=Min("assembled"))["oldest"]
        return oldest

    return spans_of(ended, standing, oldest_made)


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()

"""What the metrics are made of: kept as deployments end, read as sums."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.base.events import record
from deployments.base.models import Event
from deployments.insights.measuring import Chosen, Report, report
from deployments.insights.models import DeploymentOutcome
from deployments.insights.services.outcomes import count_deployment, follow_ends
from deployments.releases.models import Deployment, Release
from deployments.releases.services.editing import delete_release
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.services.administer import correct_state
from tests.factories import SYSTEM, default_space
from tests.factories.automation import Stream
from tests.factories.domain import (
    make_channel,
    make_deployment,
    make_environment,
    make_lifecycle,
    make_project,
    make_release,
    script_step,
)
from tests.factories.tenants import make_tenant

pytestmark = pytest.mark.django_db
_UNTIL = datetime(2026, 6, 30, tzinfo=UTC)
_HOUR = timedelta(hours=1)


def day(number: int) -> datetime:
    return datetime(2026, 6, number, tzinfo=UTC)


def measured() -> Report:
    period = timedelta(days=10)
    return report(SYSTEM, default_space(), Chosen(), period=period, until=_UNTIL)


def ended(deployment: Deployment, at: datetime, **columns: datetime) -> None:
    tasks = ServerTask.objects.in_space(deployment.space).filter(pk=deployment.task_id)
    usual = {"queued": at - 2 * _HOUR, "started": at - _HOUR, "completed": at}
    tasks.update(**{**usual, **columns})
    deployment.task.refresh_from_db()
    count_deployment(deployment)


def make_world() -> Release:
    project = make_project(lifecycle=make_lifecycle(make_environment("Dev")), steps=[script_step()])
    release = make_release(project)
    Release.objects.in_space(release.space).update(assembled=day(1))
    return release


def deploy(release: Release, state: str, at: datetime, **columns: datetime) -> Deployment:
    environment = release.project.lifecycle.phases.get().phase_environments.get().environment
    deployment = make_deployment(release, environment, state=state)
    ended(deployment, at, **columns)
    return deployment


def test_what_failed_before_both_periods_is_recovered_in_the_one_with_the_success() -> None:
    release = make_world()
    deploy(release, "Success", day(2))
    deploy(release, "Failed", day(3))  # mended on the fourth
    deploy(release, "Success", day(4))
    deploy(release, "Failed", day(5))
    deploy(release, "Failed", day(6))
    deploy(release, "Success", day(25))
    found = measured()
    assert found.now.time_to_recover == timedelta(days=20)
    assert (found.now.succeeded, found.now.failed) == (1, 0)
    assert found.before.time_to_recover is None


def test_what_failed_in_the_period_before_is_recovered_in_this_one() -> None:
    release = make_world()
    deploy(release, "Failed", day(12))
    deploy(release, "Success", day(22))
    found = measured()
    assert (found.before.failed, found.before.time_to_recover) == (1, None)
    assert found.now.time_to_recover == timedelta(days=10)
    assert found.now.lead_time == timedelta(days=21)


def test_a_scheduled_start_is_no_waiting_in_the_queue() -> None:
    release = make_world()
    deploy(release, "Success", day(25), queued=day(21), not_before=day(25) - 2 * _HOUR)
    found = measured()
    assert (found.now.queue_time, found.now.duration) == (_HOUR, _HOUR)


def test_what_the_queue_gave_up_does_not_count() -> None:
    release = make_world()
    deploy(release, "TimedOut", day(25))
    deploy(release, "Canceled", day(26))
    assert (measured().now.failed, measured().now.failure_rate) == (0, None)


def test_a_corrected_end_counts_anew_with_what_came_after_it() -> None:
    release = make_world()
    wrong = deploy(release, "Failed", day(22))
    deploy(release, "Success", day(25))
    assert measured().now.time_to_recover == timedelta(days=3)
    correct_state(actor=SYSTEM, task=wrong.task, state="Success", reason="It was there.")
    event = Event.objects.get(category="TaskStateChanged")
    for _ in range(2):
        follow_ends(event)
        found = measured().now
        assert (found.succeeded, found.failed, found.time_to_recover) == (2, 0, None)
        assert found.lead_time == timedelta(days=21)  # of the first; the second brought nothing
    correct_state(actor=SYSTEM, task=wrong.task, state="Canceled", reason="It was not.")
    follow_ends(Event.objects.filter(category="TaskStateChanged").latest("pk"))
    assert measured().now.lead_time == timedelta(days=24)


def test_an_end_in_the_stream_is_counted_and_outlives_the_deployment() -> None:
    release = make_world()
    environment = release.project.lifecycle.phases.get().phase_environments.get().environment
    deployment = make_deployment(release, environment, state="Success")
    stream = Stream()
    record(
        actor=SYSTEM,
        space=release.space,
        category="DeploymentSucceeded",
        message="It succeeded",
        subject=deployment.public_id,
    )
    stream.deliver("metrics")
    assert DeploymentOutcome.objects.in_space(release.space).get().is_success
    number = release.pk
    delete_release(actor=SYSTEM, release=release)
    assert DeploymentOutcome.objects.in_space(release.space).get().release_number == number


def test_each_tenant_and_channel_recovers_by_itself() -> None:
    release = make_world()
    place = release.project.lifecycle.phases.get().phase_environments.get().environment
    other = make_release(release.project, channel=make_channel(release.project))
    deploy(release, "Failed", day(22))
    deploy(other, "Success", day(23))
    assert measured().now.time_to_recover is None
    release.project.extra = {"TenantedDeploymentMode": "TenantedOrUntenanted"}
    release.project.save()
    tenant = make_tenant(connections={release.project: [place]})
    ended(make_deployment(release, place, tenant=tenant, state="Success"), day(24))
    assert measured().now.time_to_recover is None
    deploy(release, "Success", day(25))
    assert measured().now.time_to_recover == timedelta(days=3)


def test_the_number_of_queries_does_not_grow() -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            measured()
        return len(found)

    release = make_world()
    deploy(release, "Success", day(2))
    deploy(release, "Success", day(25))
    few = queries()
    for number in range(11, 29):
        deploy(release, "Failed", day(number))
    assert queries() == few <= 5

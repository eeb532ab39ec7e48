"""Reading what the metrics are made of."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.insights.measuring import Chosen, Report, report
from deployments.releases.models import Deployment, Release
from deployments.server_tasks.models import ServerTask
from tests.factories import SYSTEM, default_space
from tests.factories.domain import (
    make_deployment,
    make_environment,
    make_lifecycle,
    make_project,
    make_release,
    script_step,
)

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


def make_world() -> Release:
    project = make_project(lifecycle=make_lifecycle(make_environment("Dev")), steps=[script_step()])
    release = make_release(project)
    Release.objects.in_space(release.space).update(assembled=day(1))
    return release


def deploy(release: Release, state: str, at: datetime, **columns: datetime) -> None:
    environment = release.project.lifecycle.phases.get().phase_environments.get().environment
    ended(make_deployment(release, environment, state=state), at, **columns)


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
    assert (measured().now.failed, measured().now.failure_rate) == (0, None)


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
    assert queries() == few <= 6

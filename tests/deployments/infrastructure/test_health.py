"""Asking for health checks, and the schedules of policies."""

from datetime import UTC, datetime, timedelta

import pytest

from deployments.base.errors import Invalid
from deployments.infrastructure.health.policy import (
    HealthPolicy,
    first_check,
    next_check,
    seconds_away,
)
from deployments.infrastructure.models import Machine, Worker, WorkerPool
from deployments.infrastructure.services.health import queue_due_checks
from deployments.infrastructure.services.policies import default_policy, update_machine_policy
from deployments.infrastructure.services.workers import WorkerInput, create_worker
from deployments.server_tasks.models import ServerTask
from tests.deployments.calls import S, send
from tests.factories import default_space, make_ana, make_cleo, make_dan, make_space
from tests.factories.domain import make_environment, make_machine
from tests.factories.execution import SettableClock, make_agent
from tests.factories.people import SYSTEM, as_person, give_role, make_user

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_policies_with_one_interval_do_not_meet() -> None:
    policy = HealthPolicy(interval=HOUR)
    keys = [f"MachinePolicies-{number}" for number in range(1, 50)]
    first = {first_check(policy, key, NOW) for key in keys}
    assert len(first) == 49
    assert all(moment and NOW <= moment < NOW + HOUR for moment in first)
    later = {next_check(policy, key, NOW) for key in keys}
    assert len(later) == 49
    assert all(m and NOW + HOUR <= m < NOW + HOUR + timedelta(minutes=5) for m in later)


def test_cron_follows_its_time_zone() -> None:
    policy = HealthPolicy(interval=None, cron="0 3 * * *", zone="Europe/Berlin")
    assert policy.next_after(NOW) == datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
    assert HealthPolicy(interval=None).next_after(NOW) is None


def test_only_time_in_which_checks_were_due_counts_as_absence() -> None:
    policy = HealthPolicy(interval=HOUR)
    assert seconds_away(policy, NOW, NOW + HOUR) == 3600
    assert seconds_away(policy, NOW, NOW + timedelta(days=3)) == 3900
    assert seconds_away(policy, NOW, NOW - HOUR) == 0


def queued() -> list[ServerTask]:
    return list(ServerTask.objects.in_space(default_space()).filter(kind="Health").order_by("pk"))


def target(*places: object, name: str = "") -> Machine:
    row = make_machine(*(places or (make_environment(),)), name=name)  # type: ignore[arg-type]  # environments
    make_agent(row)
    return row


def worker(pool: WorkerPool | None = None) -> Worker:
    pool = pool or WorkerPool.objects.in_space(default_space()).get(is_default=True)
    row = create_worker(actor=SYSTEM, space=default_space(), worker=WorkerInput("helper", [pool]))
    make_agent(row)
    return row


@pytest.mark.django_db
def test_a_policy_is_checked_once_each_interval() -> None:
    clock = SettableClock()
    one, helper = target(name="one"), worker()
    bare = make_machine(make_environment(), name="bare")
    assert queue_due_checks(clock=clock) == 0
    clock.forward(3600)
    assert queue_due_checks(clock=clock) == 1
    (task,) = queued()
    assert task.arguments == {"MachineIds": [one.public_id, helper.public_id]}
    assert bare.public_id not in task.arguments["MachineIds"]
    assert task.description == "Check health by Default Machine Policy"
    assert queue_due_checks(clock=clock) == 0
    clock.forward(3960)
    assert queue_due_checks(clock=clock) == 0, "the last one still waits"
    ServerTask.objects.in_space(default_space()).update(state="Success")
    clock.forward(3960)
    assert queue_due_checks(clock=clock) == 1


@pytest.mark.django_db
def test_what_was_missed_is_made_up_for_once() -> None:
    clock = SettableClock()
    target()
    queue_due_checks(clock=clock)
    clock.forward(7 * 86400)
    assert queue_due_checks(clock=clock) == 1
    ServerTask.objects.in_space(default_space()).update(state="Success")
    clock.forward(60)
    assert queue_due_checks(clock=clock) == 0


@pytest.mark.django_db
def test_a_changed_policy_is_scheduled_anew_and_a_wrong_one_refused() -> None:
    clock = SettableClock()
    target()
    queue_due_checks(clock=clock)
    policy = default_policy(default_space())
    never = {"MachineHealthCheckPolicy": {"HealthCheckInterval": ""}}
    update_machine_policy(actor=SYSTEM, policy=policy, name=policy.name, document=never)
    clock.forward(7 * 86400)
    assert queue_due_checks(clock=clock) == 0
    for wrong in (
        {"HealthCheckInterval": "soon"},
        {"HealthCheckInterval": "00:00:10"},
        {"HealthCheckCron": "every day"},
        {"HealthCheckCron": "0 3 * * *", "HealthCheckCronTimezone": "Mars/Base"},
    ):
        with pytest.raises(Invalid):
            update_machine_policy(
                actor=SYSTEM,
                policy=policy,
                name=policy.name,
                document={"MachineHealthCheckPolicy": wrong},
            )


@pytest.mark.django_db
def test_a_check_is_asked_for_over_rest() -> None:
    staging = make_environment("Staging")
    one, two, off = target(staging, name="one"), target(staging, name="two"), target(staging)
    off.is_disabled = True
    off.save()
    helper = worker()
    ana = make_ana()

    def ask(**arguments: object) -> tuple[int, dict[str, object]]:
        return send(ana, "post", f"{S}/tasks", {"Name": "Health", "Arguments": arguments})

    limits = {"MachineTimeout": "00:01:00", "Timeout": "00:10:00"}
    status, body = ask(EnvironmentId=staging.public_id, **limits)
    assert (status, body["Name"], body["State"]) == (201, "Health", "Queued")
    assert body["Description"] == "Check health of the environment Staging"
    assert body["Arguments"] == {
        "EnvironmentId": staging.public_id,
        **limits,
        "MachineIds": [one.public_id, two.public_id],
    }
    assert queued()[-1].environment_number == staging.pk
    pool = helper.pools.in_space(default_space())[0]
    status, body = ask(WorkerpoolId=pool.public_id)
    assert body["Arguments"]["MachineIds"] == [helper.public_id]  # type: ignore[index]  # a JSON object
    status, body = ask(MachineIds=[two.public_id])
    assert body["Description"] == "Check health of two"
    status, body = ask()
    ids = {one.public_id, two.public_id, helper.public_id}
    assert set(body["Arguments"]["MachineIds"]) == ids  # type: ignore[index]  # a JSON object
    for refused in (
        {"MachineIds": [off.public_id]},
        {"MachineIds": ["Machines-999999999"]},
        {"MachineIds": "Machines-1"},
        {"EnvironmentId": "Environments-999999999"},
        {"EnvironmentId": make_environment().public_id},
        {"MachineIds": [one.public_id], "MachineTimeout": "soon"},
        {"MachineIds": [one.public_id], "Timeout": "later"},
    ):
        status, body = ask(**refused)
        assert status == 400
        assert body["Errors"]
    status, body = send(ana, "post", f"{S}/tasks", {"Name": "Deploy", "Arguments": {}})
    assert status == 400
    assert "possible: ['Health', 'Retention', 'TestEmail']" in body["Errors"][0]


@pytest.mark.django_db
def test_who_may_check() -> None:
    space = default_space()
    staging, production = make_environment(), make_environment()
    mine, other = target(staging, name="mine"), target(production, name="other")
    both = target(staging, production, name="both")
    emma = as_person(make_user("emma"))
    scope = {"environment": [staging.public_id]}
    give_role(emma.user, "userroles-environmentmanager", space, scope)

    def ask(person: object, **arguments: object) -> int:
        return send(person, "post", f"{S}/tasks", {"Name": "Health", "Arguments": arguments})[0]  # type: ignore[arg-type]

    assert ask(emma, MachineIds=[mine.public_id]) == 201
    assert queued()[-1].environment_number == staging.pk
    assert emma.api.get(f"{S}/tasks/{queued()[-1].public_id}").status_code == 200
    assert ask(emma, MachineIds=[other.public_id]) == 400
    assert ask(emma, MachineIds=[both.public_id]) == 201
    assert ask(emma, EnvironmentId=production.public_id) == 400
    assert ask(emma) == 201
    assert queued()[-1].arguments["MachineIds"] == [both.public_id, mine.public_id]
    assert ask(make_cleo(space), MachineIds=[mine.public_id]) == 403
    assert ask(make_dan(make_space()), MachineIds=[mine.public_id]) == 404

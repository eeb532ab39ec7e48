"""Health checks: what a check's end means, for the machine, for the task, and for the policy."""

import json
from datetime import timedelta

import pytest

from deployments.base.clock import utc_now
from deployments.base.models import Event
from deployments.execution.models import AgentMessage
from deployments.execution.services import advance, mailbox
from deployments.execution.services.health.judge import judge_checks
from deployments.execution.services.health.verdict import CheckEnd, verdict_of
from deployments.execution.states import ENDED, ExecutionState
from deployments.gateway import sessions
from deployments.infrastructure.models import Agent, AgentSession, AgentUpgrade, Machine
from deployments.infrastructure.models.machine import HealthStatus
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.services import cancel_task
from deployments.server_tasks.states import TaskState
from tests.factories.domain import make_environment, make_machine
from tests.factories.execution import SettableClock, make_agent
from tests.factories.health import Check, make_check, make_policy
from tests.factories.people import SYSTEM
from tests.factories.spaces import default_space

db = pytest.mark.django_db
S = ExecutionState
WARNING, ERROR = ("warning", "low on disk"), ("error", "no disk")


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (CheckEnd(S.SUCCEEDED, True, 0), ("Healthy", "The health check succeeded.")),
        (CheckEnd(S.SUCCEEDED, True, 0, notable=[WARNING]), ("HasWarnings", "low on disk")),
        (CheckEnd(S.SUCCEEDED, True, 0, notable=[WARNING, ERROR]), ("Unhealthy", "no disk")),
        (CheckEnd(S.FAILED, True, 3, "exit code 3"), ("Unhealthy", "exit code 3")),
        (CheckEnd(S.FAILED, True, None, "too slow"), ("Unhealthy", "too slow")),
        (CheckEnd(S.FAILED, False, None, "not taken"), ("Unavailable", "not taken")),
        (CheckEnd(S.LOST, True, None, "went away"), ("Unavailable", "went away")),
        (CheckEnd(S.CANCELED, True), None),
        (CheckEnd(S.SKIPPED), None),
    ],
)
def test_the_end_of_a_command_is_a_verdict(end: CheckEnd, expected: tuple[str, str] | None) -> None:
    assert verdict_of(end) == expected


def machines(*names: str) -> list[Machine]:
    place = make_environment()
    rows = [make_machine(place, name=name) for name in names]
    for row in rows:
        make_agent(row)
        row.health_status = HealthStatus.UNKNOWN
        row.save(update_fields=["health_status"])
    return rows


def health(row: Machine) -> tuple[str, str]:
    row.refresh_from_db()
    return row.health_status, row.status_summary


@db
def test_all_outcomes_of_one_check() -> None:
    good, warned, failed, angry = rows = machines("good", "warned", "failed", "angry")
    check = make_check(*rows)
    runs = check.runs()
    beside = {"name": "beside", "mode": "shared"}
    assert all(run.header["isolation"] == beside for run in runs.values())
    assert {run.header["take_within_s"] for run in runs.values()} == {120.0}
    assert {run.header["deadline_s"] for run in runs.values()} == {300.0}
    check.end("good")
    check.end("warned", lines=[("warning", "4 GB left"), ("info", "fine")])
    check.end("failed", 7)
    check.advance()
    assert health(good) == ("Healthy", "The health check succeeded.")
    assert health(warned) == ("HasWarnings", "4 GB left")
    assert health(failed) == ("Unhealthy", "The script ended with exit code 7.")
    assert health(angry) == ("Unknown", "")
    check.end("angry", lines=[("error", "no disk")])
    check.advance()
    assert health(angry) == ("Unhealthy", "no disk")
    assert check.execution("angry").state == S.FAILED
    assert check.task.state == TaskState.FAILED
    reason = "2 of 4 targets failed the health check: angry (unhealthy), failed (unhealthy)."
    assert check.task.error_message == reason
    assert check.said() == [
        "error: failed: Unhealthy. The script ended with exit code 7.",
        "info: good: Healthy. The health check succeeded.",
        "warning: warned: Has warnings. 4 GB left",
        "error: angry: Unhealthy. no disk",
        f"error: {reason}",
    ]
    assert good.last_check_task == check.task.public_id
    changes = Event.objects.filter(category__startswith="Machine", category__endswith="y")
    assert set(changes.values_list("category", flat=True)) == {
        "MachineHealthy",
        "MachineUnhealthy",
    }


@db
def test_a_check_that_ends_while_the_task_is_read_is_judged_before_the_task_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (row,) = machines("one")
    check = make_check(row)

    def judge_late(task: ServerTask) -> bool:
        has_news = judge_checks(task)
        if check.execution("one").state not in ENDED:
            check.end("one", 1)
        return has_news

    monkeypatch.setattr(advance, "judge_checks", judge_late)
    check.advance()
    check.advance()
    assert health(row)[0] == "Unhealthy"
    reason = "1 of 1 targets failed the health check: one (unhealthy)."
    assert check.task.error_message == reason


@db
def test_warnings_let_the_check_succeed() -> None:
    (row,) = machines("one")
    check = make_check(row)
    check.end("one", lines=[("warning", "hm")])
    check.advance()
    assert (check.task.state, check.task.has_warnings_or_errors) == (TaskState.SUCCESS, True)


@db
@pytest.mark.parametrize(
    ("behavior", "state", "execution"),
    [
        ("ExpectedToBeOnline", "Failed", "Failed"),
        ("MayBeOfflineAndCanBeSkipped", "Success", "Skipped"),
    ],
)
def test_who_may_be_offline(behavior: str, state: str, execution: str) -> None:
    here, away = machines("here", "away")
    make_policy(
        {"MachineConnectivityPolicy": {"MachineConnectivityBehavior": behavior}}, here, away
    )
    AgentSession.objects.filter(agent=away.agent_id).update(
        last_seen=utc_now() - timedelta(hours=1)
    )
    check = make_check(here, away)
    check.end("here")
    check.advance()
    check.nobody_answers()
    text = "The agent did not take the command within 2 minutes."
    assert health(here)[0] == "Healthy"
    assert health(away) == ("Unavailable", text)
    assert check.execution("away").state == execution
    assert check.task.state == state
    assert f"away: Unavailable. {text}" in " ".join(check.said())


@db
def test_an_error_of_one_that_may_be_offline_still_fails() -> None:
    (row,) = machines("one")
    make_policy(
        {
            "MachineConnectivityPolicy": {
                "MachineConnectivityBehavior": "MayBeOfflineAndCanBeSkipped"
            }
        },
        row,
    )
    check = make_check(row)
    check.end("one", 1)
    check.advance()
    assert check.task.state == TaskState.FAILED


def script(check: Check, name: str) -> str:
    spec = json.loads(mailbox.open_spec(check.runs()[name]))
    return next(str(v) for n, v, _ in spec["variables"] if n == "Octopus.Action.Script.ScriptBody")


@db
def test_the_policy_says_what_runs() -> None:
    plain, own, bare = machines("plain", "own", "bare")
    check_part = "MachineHealthCheckPolicy"
    make_policy({check_part: {"BashHealthCheckPolicy": {"RunType": "Inline", "ScriptBody": "df"}}})
    inline = {"RunType": "Inline", "ScriptBody": "echo #{Octopus.Machine.Name}"}
    make_policy({check_part: {"BashHealthCheckPolicy": inline}}, own, name="Inline")
    make_policy({check_part: {"HealthCheckType": "OnlyConnectivity"}}, bare, name="Bare")
    check = make_check(plain, own, bare)
    assert script(check, "plain").endswith("\ndf")
    assert script(check, "own").endswith("\necho own")
    assert "fail_healthcheck" in script(check, "own")
    assert script(check, "bare") == "echo 'The agent answers.'\n"


@db
def test_a_later_verdict_is_not_overwritten_by_an_earlier_one() -> None:
    (row,) = machines("one")
    clock = SettableClock()
    first, second = make_check(row, clock=clock), make_check(row, clock=clock)
    first.end("one", 1)
    clock.forward(1)
    second.end("one")
    second.advance()
    first.advance()
    first.advance()
    assert health(row)[0] == "Healthy"
    assert row.last_check_task == second.task.public_id


@db
def test_the_verdict_counts_again_when_the_agent_comes_back() -> None:
    (row,) = machines("one")
    check = make_check(row)
    check.end("one", lines=[("warning", "low on disk")])
    check.advance()
    assert row.agent_id
    session = sessions.Session(row.agent_id, 1)
    sessions.end_sessions([session])
    assert health(row) == ("Unavailable", "Not connected")
    sessions.seen([session])
    assert health(row) == ("HasWarnings", "low on disk")


def cleanup_policy(*rows: Machine) -> None:
    make_policy(
        {
            "MachineCleanupPolicy": {
                "DeleteMachinesBehavior": "DeleteUnavailableMachines",
                "DeleteMachinesElapsedTimeSpan": "01:30:00",
            }
        },
        *rows,
    )


def is_there(row: Machine) -> bool:
    return Machine.objects.in_space(default_space()).filter(pk=row.pk).exists()


@db
def test_one_that_stays_away_is_deleted_after_real_checks() -> None:
    clock = SettableClock()
    (row,) = machines("one")
    cleanup_policy(row)
    for number in range(1, 4):
        check = make_check(row, clock=clock)
        assert is_there(row)
        check.nobody_answers()
        if number < 3:
            row.refresh_from_db()
            assert row.failed_checks == number
            clock.forward(3600 - 121)
    assert not is_there(row)
    assert "one was deleted by the policy Own: 3 checks in a row did not reach it in 2" in " ".join(
        check.said()
    )
    assert check.task.state == TaskState.FAILED
    deleted = Event.objects.get(category="Deleted")
    assert deleted.message == "Deployment target one was deleted"


@db
def test_time_without_checks_is_no_absence() -> None:
    clock = SettableClock()
    (row,) = machines("one")
    cleanup_policy(row)
    make_check(row, clock=clock).nobody_answers()
    clock.forward(30 * 86400)
    make_check(row, clock=clock).nobody_answers()
    row.refresh_from_db()
    assert 3600 <= row.away_s <= 3600 + 300
    make_check(row, clock=clock).nobody_answers()
    assert is_there(row)


@db
def test_one_that_answers_begins_anew() -> None:
    clock = SettableClock()
    (row,) = machines("one")
    cleanup_policy(row)
    for _ in range(2):
        make_check(row, clock=clock).nobody_answers()
        clock.forward(3600)
    check = make_check(row, clock=clock)
    check.end("one")
    check.advance()
    row.refresh_from_db()
    assert (row.failed_checks, row.away_s) == (0, 0.0)


@db
def test_canceling_says_nothing_about_health() -> None:
    (row,) = machines("one")
    check = make_check(row)
    cancel_task(actor=SYSTEM, task=check.task, clock=check.clock)
    check.advance()
    check.end("one", reason="cancelled")
    check.advance()
    assert check.task.state == TaskState.CANCELED
    assert health(row)[0] == HealthStatus.UNKNOWN


@db
def test_a_check_that_takes_too_long_fails_and_stops_what_runs() -> None:
    quick, slow = machines("quick", "slow")
    check = make_check(quick, slow, Timeout="00:02:00")
    check.end("quick")
    mailbox.apply_accepted([str(check.runs()["slow"].message_id)], clock=check.clock)
    check.advance()
    check.clock.forward(120)
    check.advance()
    assert check.task.state == TaskState.EXECUTING
    check.clock.forward(1)
    check.advance()
    assert check.task.state == TaskState.FAILED
    assert check.task.error_message == "It took longer than its time limit of 0:02:00."
    assert [health(row)[0] for row in (quick, slow)] == ["Healthy", HealthStatus.UNKNOWN]
    cancels = AgentMessage.objects.in_space(default_space()).filter(kind="cancel")
    assert [message.execution.target_name for message in cancels] == ["slow"]


@db
def test_the_policy_upgrades_what_was_found_well() -> None:
    well, _ = rows = machines("well", "bad")
    make_policy({"MachineUpdatePolicy": {"TentacleUpdateBehavior": "Update"}}, *rows)
    Agent.objects.in_space(default_space()).update(version="0.0.9")
    check = make_check(*rows)
    check.end("well")
    check.end("bad", 1)
    check.advance()
    upgrade = AgentUpgrade.objects.get()
    assert (upgrade.agent_id, upgrade.stage) == (well.agent_id, "requested")
    assert "info: The machine policy Own upgrades the agent of well." in check.said()

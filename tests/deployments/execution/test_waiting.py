"""Why a running task waits: the pure rules as a table, and what the page says."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from deployments.execution.models import ActionExecution, AgentMessage
from deployments.execution.plan import Group, Placement, Plan, PlannedAction, PlannedStep
from deployments.execution.services.sweep import end_left_behind
from deployments.execution.states import ExecutionState
from deployments.execution.waiting import Live, waits
from deployments.infrastructure.models import AgentSession
from deployments.server_tasks.services import abandon_task, cancel_task
from deployments.server_tasks.states import TaskState
from tests.factories.domain import script_step
from tests.factories.execution import Scene, make_scene
from tests.factories.people import SYSTEM, make_ana
from tests.support.portal import Visitor, text_of

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
AGO = NOW - timedelta(minutes=1)
ROW = Live("a1", "Machines-1", "web-1", 1, ExecutionState.PENDING, AGO, has_agent=True)


def plan(*, window: int = 0, targets: int = 1, attempts: int = 1) -> Plan:
    lanes = tuple(f"Machines-{n}" for n in range(1, targets + 1))
    places = tuple(Placement(lane, f"web-{lane[-1]}", agent=1) for lane in lanes)
    action = PlannedAction("a1", "Install", "Octopus.Script", "1", places, attempts=attempts)
    action = replace(action, backoff_s=30)
    step = PlannedStep("s1", "Install", 1, "Success", "", window, lanes, ("web",), (action,))
    return Plan((Group((step,)),), parallelism=2)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (replace(ROW, is_away=True), "the Tentacle has never been connected; it"),
        (
            replace(ROW, is_away=True, away_since=AGO),
            "the Tentacle has not been connected since 2026-03-04 09:59:00 UTC",
        ),
        (
            replace(ROW, is_away=True, away_since=AGO, is_canceled=True),
            "the Tentacle went away and may run the command still",
        ),
        (ROW, "the Tentacle has not taken it yet"),
        (replace(ROW, accepted=AGO), "the Tentacle has taken it and prepares it."),
        (
            replace(ROW, accepted=AGO, busy=("ServerTasks-7", "ServerTasks-9")),
            "waits for its turn; ServerTasks-7 and ServerTasks-9 runs a script",
        ),
        (replace(ROW, has_agent=False), "waits for a free worker process"),
        (replace(ROW, queued=NOW), ""),
        (replace(ROW, state=ExecutionState.RUNNING), ""),
        (replace(ROW, state=ExecutionState.SUCCEEDED), ""),
    ],
)
def test_an_attempt(row: Live, says: str) -> None:
    found = waits(plan(), [row], NOW)
    assert bool(found) == bool(says)
    if says:
        assert found[0].what == "Install on web-1:"
        assert found[0].why.startswith(says)


@pytest.mark.parametrize(
    ("kind", "worker"), [("Octopus.AcquirePackages", ""), ("Octopus.Script", "Workers-1")]
)
def test_transfers_and_workers_wait_for_no_turn(kind: str, worker: str) -> None:
    usual = plan()
    step = usual.steps[0]
    place = replace(step.actions[0].placements[0], worker_id=worker)
    action = replace(step.actions[0], action_type=kind, placements=(place,))
    without = replace(usual, groups=(Group((replace(step, actions=(action,)),)),))
    (found,) = waits(without, [replace(ROW, accepted=AGO, busy=("ServerTasks-7",))], NOW)
    assert found.why == "the Tentacle has taken it and prepares it."


def test_a_target_that_may_be_left_out_is_not_waited_for_long() -> None:
    lenient = plan()
    step = lenient.steps[0]
    place = replace(step.actions[0].placements[0], may_be_left_out=True)
    action = replace(step.actions[0], placements=(place,))
    lenient = replace(lenient, groups=(Group((replace(step, actions=(action,)),)),))
    (found,) = waits(lenient, [replace(ROW, is_away=True)], NOW)
    assert found.why == "the Tentacle is not connected; the target is left out soon."
    (found,) = waits(lenient, [replace(ROW, is_away=True, attempt=2)], NOW)
    assert "given up" in found.why


def test_a_retry_names_its_time() -> None:
    failed = replace(ROW, state=ExecutionState.FAILED, finished=NOW - timedelta(seconds=10))
    found = waits(plan(attempts=3), [failed], NOW)
    assert found[0].why == "attempt 2 of 3 starts at 10:00:20 UTC."
    again = replace(ROW, attempt=2, state=ExecutionState.RUNNING)
    assert waits(plan(attempts=3), [failed, again], NOW) == []
    assert waits(plan(attempts=1), [failed], NOW) == []


@pytest.mark.parametrize(
    ("window", "says"),
    [
        (1, "3 more targets wait, at most 1 at a time (the window of the rolling step)."),
        (0, "3 more targets wait, at most 2 at a time (Octopus.Action.MaxParallelism)."),
    ],
)
def test_targets_behind_a_limit(window: int, says: str) -> None:
    running = replace(ROW, state=ExecutionState.RUNNING)
    found = waits(plan(window=window, targets=4), [running], NOW)
    assert [(wait.what, wait.why) for wait in found] == [("Install:", says)]
    ended = replace(ROW, state=ExecutionState.FAILED)
    assert waits(plan(window=window, targets=4), [ended], NOW) == []


def on_workers(cap: int, *, workers: int = 1) -> Plan:
    lanes = tuple(f"Machines-{n}" for n in range(1, 4))
    places = tuple(
        Placement(lane, lane, 7, f"Workers-{n % workers}", f"build-{n % workers}")
        for n, lane in enumerate(lanes)
    )
    actions = tuple(
        PlannedAction(key, "Push", "Octopus.Script", "1", places) for key in ("a1", "a2")
    )
    step = PlannedStep("s1", "Push", 1, "Success", "", 0, lanes, ("web",), actions)
    later = replace(step, id="s2", actions=(replace(actions[0], id="a3"),))
    return Plan((Group((step,)), Group((later,))), parallelism=10, worker_lease_cap=cap)


@pytest.mark.parametrize(
    ("capped", "says"),
    [
        (on_workers(1), "2 wait for build-0, at most 1 action with the same package at a time"),
        (on_workers(2), ""),
        (on_workers(1, workers=2), "1 waits for build-0, at most 1 action with the same package"),
    ],
)
def test_actions_behind_the_cap_of_a_worker(capped: Plan, says: str) -> None:
    running = replace(ROW, state=ExecutionState.RUNNING)
    found = [w for w in waits(capped, [running], NOW) if "WorkerLeaseCap" in w.why]
    assert len(found) == bool(says)
    if found:
        assert found[0].what == "Push:"
        assert found[0].why.startswith(says)
        assert found[0].why.endswith("there (Octopus.Deployment.WorkerLeaseCap).")
    ended = replace(ROW, state=ExecutionState.SUCCEEDED)
    assert waits(capped, [ended], NOW) == []


def page(scene: Scene) -> str:
    return text_of(Visitor(make_ana()).get(f"tasks/{scene.task.public_id}"))


@pytest.mark.django_db
def test_the_page_names_an_agent_that_is_away() -> None:
    scene = make_scene(script_step("Install", roles="web"))
    age(scene)
    AgentSession.objects.update(disconnected=scene.clock())
    shown = page(scene)
    assert "What it waits for" in shown
    assert "the Tentacle has not been connected since" in shown


@pytest.mark.django_db
def test_the_page_names_who_holds_the_machine() -> None:
    holder = make_scene(script_step("Install", roles="web"))
    (run,) = holder.runs()
    holder.accept(run)
    holder.start(run)
    scene = make_scene(script_step("Install", roles="web"))
    (waiting,) = scene.runs()
    messages = AgentMessage.objects.in_space(scene.deployment.space)
    messages.filter(pk=waiting.pk).update(agent=run.agent_id, accepted=scene.clock())
    rows = ActionExecution.objects.in_space(scene.deployment.space)
    rows.filter(pk=waiting.execution_id).update(agent=run.agent_id)
    age(scene)
    visitor, path = Visitor(make_ana()), f"tasks/{scene.task.public_id}"
    says = f"waits for its turn; {holder.task.public_id} runs a script"
    assert says in text_of(visitor.get(path))
    rows.filter(pk=run.execution_id).update(action_type="Octopus.AcquirePackages")
    assert "waits for its turn" not in text_of(visitor.get(path))


def age(scene: Scene) -> None:
    """Let the executions be older than the moments that are not worth a word."""
    rows = scene.rows()
    for row in rows:
        row.queued -= timedelta(minutes=1)
        row.save(update_fields=["queued"])


@pytest.mark.django_db
def test_canceling_once_more_is_asked_for_and_abandoning_ends_what_was_left() -> None:
    scene = make_scene(script_step("Install", roles="web"))
    (run,) = scene.runs()
    scene.accept(run)
    scene.start(run)
    ana = Visitor(make_ana())
    path = f"tasks/{scene.task.public_id}"
    ana.post(f"{path}/cancel")
    ana.post(f"{path}/cancel")
    assert "is being canceled already" in text_of(ana.get(path))
    assert scene.task.cancel_requests == 1
    shown = text_of(ana.get(path))
    assert "Cancel by force" in shown
    ana.post(f"{path}/abandon")
    assert "within 10 minutes" in text_of(ana.get(path))
    ana.post(f"{path}/cancel?by_force=1")
    assert scene.task.cancel_requests == 2


@pytest.mark.django_db
def test_the_sweep_ends_what_an_abandoned_task_left() -> None:
    scene = make_scene(script_step("Install", roles="web"))
    (run,) = scene.runs()
    scene.accept(run)
    scene.start(run)
    cancel_task(actor=SYSTEM, task=scene.task, clock=scene.clock)
    scene.clock.forward(600)
    abandon_task(actor=SYSTEM, task=scene.task, clock=scene.clock)
    end_left_behind(now=scene.clock())
    assert scene.state() == TaskState.CANCELED
    assert [row.state for row in scene.rows()] == ["Canceled"]
    assert scene.runs() == []

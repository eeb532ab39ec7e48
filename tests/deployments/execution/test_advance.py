"""advance() on a real database, driven through the mailbox as a gateway drives it."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.base.models import Event
from deployments.execution import variables as engine_variables
from deployments.execution.models import AgentMessage, OutputVariable
from deployments.execution.services import mailbox
from deployments.execution.services.lease import claim, settle
from deployments.library.services import VariableInput
from deployments.server_tasks.states import TaskState
from tests.factories.domain import script_step
from tests.factories.execution import make_scene

pytestmark = pytest.mark.django_db


def test_one_step_on_three_targets() -> None:
    scene = make_scene(script_step(roles="web"), machines=3)
    assert scene.state() == TaskState.EXECUTING
    runs = scene.runs()
    assert len(runs) == 3
    assert {run.header["kind"] for run in runs} == {"script"}
    scene.accept(*runs)
    scene.start(*runs)
    assert {row.state for row in scene.rows()} == {"Running"}
    scene.finish(*runs)
    scene.advance()
    assert scene.state() == TaskState.SUCCESS
    assert scene.runs() == []
    assert all(
        message.sealed_body is None
        for message in AgentMessage.objects.in_space(scene.deployment.space)
    )
    scene.deployment.refresh_from_db()
    assert scene.deployment.deployed_machines == [m.public_id for m in scene.machines]
    categories = list(Event.objects.order_by("id").values_list("category", flat=True))
    assert categories[-2:] == ["DeploymentStarted", "DeploymentSucceeded"]


def test_advancing_twice_and_repeated_results_change_nothing() -> None:
    scene = make_scene(script_step(roles="web"), script_step("Second", roles="web"), machines=2)
    scene.advance()
    runs = scene.runs()
    assert len(runs) == 2
    scene.finish(*runs)
    scene.finish(*runs, exit_code=3)
    scene.advance()
    scene.advance()
    assert [row.state for row in scene.rows()] == ["Succeeded"] * 2 + ["Pending"] * 2
    assert [row.exit_code for row in scene.rows()[:2]] == [0, 0]


def test_a_failure_skips_what_needs_success_and_runs_what_needs_failure() -> None:
    cleanup = {**script_step("Clean up", roles="web"), "Condition": "Failure"}
    always = {**script_step("Always", roles="web"), "Condition": "Always"}
    scene = make_scene(
        script_step("First", roles="web"), script_step("Next", roles="web"), cleanup, always
    )
    (run,) = scene.runs()
    scene.finish(run, exit_code=7)
    scene.advance()
    scene.run_to_end()
    states = {row.action_name: row.state for row in scene.rows()}
    assert states == {
        "First": "Failed",
        "Next": "Skipped",
        "Clean up": "Succeeded",
        "Always": "Succeeded",
    }
    assert scene.state() == TaskState.FAILED
    assert "First" in scene.task.error_message
    first = scene.rows()[0]
    assert first.error_message == "The script ended with exit code 7."
    assert scene.task.has_warnings_or_errors


def test_variables_reach_the_target_in_its_scope_only() -> None:
    body = "echo #{Greeting} #{Octopus.Machine.Name}"
    scene = make_scene(
        script_step(roles="web", body=body),
        machines=2,
        variables=lambda machines: [
            VariableInput(name="Greeting", value="hello"),
            VariableInput(name="Greeting", value="hi", scope={"Machine": [machines[0].public_id]}),
            VariableInput(name="Token", value="s3cret-token", is_sensitive=True),
            VariableInput(name="Elsewhere", value="x", scope={"Role": ["database"]}),
        ],
    )
    first = scene.machines[0]
    by_target = {run.execution.target_name: scene.variables(run) for run in scene.runs()}
    one, two = (by_target[machine.name] for machine in scene.machines)
    assert one["Octopus.Action.Script.ScriptBody"] == f"echo hi {first.name}"
    assert two["Octopus.Action.Script.ScriptBody"] == f"echo hello {scene.machines[1].name}"
    assert one["Octopus.Release.Number"] == "1.0.0"
    assert one["Octopus.Environment.Name"] == scene.environment.name
    assert one["Token"] == "s3cret-token"
    assert "Elsewhere" not in one
    assert scene.spec(scene.runs()[0])["mask"] == ["s3cret-token"]
    stored = AgentMessage.objects.in_space(scene.deployment.space)[0]
    assert b"s3cret-token" not in bytes(stored.sealed_body or b"")


def test_a_value_that_refers_to_itself_is_told_of_at_the_target() -> None:
    scene = make_scene(
        script_step(roles="web"), variables=lambda _: [VariableInput("Url", "#{Url}/a")]
    )
    (run,) = scene.runs()
    [warning] = scene.spec(run)["warnings"]
    assert warning.startswith("The value of Url stays as it is written: An attempt to parse")


def test_values_that_take_too_long_fail_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_variables, "_PATIENCE", 0.0)
    scene = make_scene(
        script_step(roles="web"),
        variables=lambda _: [VariableInput("Url", "#{Host}")],
        machines=2,
    )
    assert scene.runs() == []
    assert scene.state() == TaskState.FAILED
    words = "The variables cannot be evaluated. The values together take longer than 0 seconds"
    assert [row.error_message.startswith(words) for row in scene.rows()] == [True, True]


def test_outputs_are_seen_by_later_steps_in_three_forms() -> None:
    scene = make_scene(script_step("One", roles="web"), script_step("Two", roles="web"), machines=2)
    for run in scene.runs():
        scene.output(run, "Place", f"from {run.execution.target_name}")
        scene.output(run, "Key", "very secret", sensitive=True)
        scene.finish(run)
    scene.advance()
    sealed = OutputVariable.objects.in_space(scene.deployment.space).filter(name="Key")
    assert all(row.value == "" and row.is_sensitive for row in sealed)
    names = [machine.name for machine in scene.machines]
    for run in scene.runs():
        mine = run.execution.target_name
        values = scene.variables(run)
        assert values["Octopus.Action[One].Output.Place"] == f"from {mine}"
        for name in names:
            assert values[f"Octopus.Action[One].Output[{name}].Place"] == f"from {name}"
        assert values["Octopus.Action[One].Output.Key"] == "very secret"
        assert "very secret" in scene.spec(run)["mask"]


def test_an_output_in_parts_is_put_together() -> None:
    scene = make_scene(script_step(roles="web"))
    (run,) = scene.runs()
    for number, text in enumerate(["one ", "two ", "three"]):
        record = {"t": "output", "name": "Long", "part": number, "parts": 3, "value": text}
        mailbox.record_outputs({run.execution_id: [record]})
    row = OutputVariable.objects.in_space(scene.deployment.space).get(name="Long")
    assert row.value == "one two three"


def test_a_retry_waits_for_its_time_and_succeeds() -> None:
    step = script_step(roles="web")
    step["Actions"][0]["Properties"] |= {
        "Octopus.Action.AutoRetry.MaximumCount": "1",
        "Octopus.Action.AutoRetry.MinimumBackoff": "15",
    }
    scene = make_scene(step)
    scene.finish(*scene.runs(), exit_code=1)
    scene.advance()
    assert scene.runs() == []
    assert scene.state() == TaskState.EXECUTING
    scene.clock.forward(15)
    scene.advance()
    scene.run_to_end()
    assert [(row.attempt, row.state) for row in scene.rows()] == [(1, "Failed"), (2, "Succeeded")]
    assert scene.state() == TaskState.SUCCESS


def test_a_target_without_an_agent_fails_with_the_reason() -> None:
    scene = make_scene(script_step(roles="web"), machines=1, begin=False)
    machine = scene.machines[0]
    machine.agent = None
    machine.save()
    scene.begin()
    assert scene.states() == [("Say hello", machine.name, "Failed")]
    assert scene.rows()[0].error_message == "The target has no Tentacle."
    assert scene.state() == TaskState.FAILED


def test_a_claimed_task_is_left_alone_and_its_claimant_looks_again() -> None:
    scene = make_scene(script_step(roles="web"))
    lease = claim(scene.task.pk, now=scene.clock())
    assert lease is not None
    scene.finish(*scene.runs())
    scene.advance()
    assert scene.state() == TaskState.EXECUTING
    assert scene.task.wake_count == lease.wake_count + 1
    assert settle(lease, now=scene.clock())
    scene.advance()
    assert scene.state() == TaskState.SUCCESS


def test_an_expired_lease_is_taken_over_and_the_late_owner_is_refused() -> None:
    scene = make_scene(script_step(roles="web"))
    dead = claim(scene.task.pk, now=scene.clock())
    assert dead is not None
    scene.finish(*scene.runs())
    scene.clock.forward(9)
    scene.advance()
    assert scene.state() == TaskState.EXECUTING
    scene.clock.forward(2)
    scene.advance()
    assert scene.state() == TaskState.SUCCESS
    assert not settle(dead, now=scene.clock())


@pytest.mark.parametrize(
    "point", ["skip_actions", "start_actions", "finish_task", "cancel_executions"]
)
def test_a_crash_inside_a_tick_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    class Killed(BaseException):
        pass

    def crash(*_args: object, **_kwargs: object) -> None:
        raise Killed

    scene = make_scene(script_step(roles="web"), begin=False)
    path = f"deployments.execution.services.advance.{point}"
    ticks = 0
    for _ in range(4):
        with monkeypatch.context() as patched:
            patched.setattr(path, crash)
            before = scene.states()
            try:
                scene.begin()
            except Killed:
                ticks += 1
                assert scene.states() == before
        scene.begin()
        scene.run_to_end()
    assert ticks or point == "finish_task"
    assert scene.states() == [("Say hello", scene.machines[0].name, "Succeeded")]
    assert scene.state() == TaskState.SUCCESS


def test_the_number_of_queries_does_not_grow_with_the_targets() -> None:
    counts = []
    make_scene(script_step(roles="web")).run_to_end()
    for number in (1, 50):
        scene = make_scene(
            script_step(roles="web"),
            machines=number,
            begin=False,
            variables=lambda _machines: [
                VariableInput(name="Octopus.Action.MaxParallelism", value="100")
            ],
        )
        with CaptureQueriesContext(connection) as captured:
            scene.begin()
            runs = scene.runs()
            assert len(runs) == number
            scene.accept(*runs)
            scene.start(*runs)
            scene.finish(*runs)
            scene.advance()
        assert scene.state() == TaskState.SUCCESS
        counts.append(len(captured))
    assert counts[0] == counts[1]

"""When the end of a command wakes the engine: not before something may follow."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from deployments.execution.services import mailbox
from deployments.execution.services.lease import claim
from deployments.server_tasks.services import cancel_task
from tests.factories.domain import script_step
from tests.factories.execution import Scene, make_scene
from tests.factories.people import SYSTEM

pytestmark = pytest.mark.django_db
Capture = Callable[..., AbstractContextManager[Any]]


@pytest.fixture
def woken(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Capture
) -> Callable[..., int]:
    """Let runs end, each in a commit of its own, and count the wake-ups."""

    def end(scene: Scene, *numbers: int, exit_code: int = 0) -> int:
        sent: list[tuple[Any, ...]] = []
        for name in ("wake", "wake_now"):
            monkeypatch.setattr(mailbox, name, lambda *message: sent.append(message))
        by_target = {run.execution.target_name: run for run in scene.runs()}
        for number in numbers:
            with django_capture_on_commit_callbacks(execute=True):
                run = by_target[scene.machines[number].name]
                scene.finish(run, exit_code=exit_code)
        assert set(sent) <= {("execution.advance", scene.task.pk)}
        return len(sent)

    return end


def test_of_a_simple_step_only_the_last_end_wakes(woken: Callable[..., int]) -> None:
    scene = make_scene(script_step(roles="web"), script_step("Next", roles="web"), machines=3)
    assert woken(scene, 0) == 0
    assert woken(scene, 1, exit_code=1) == 0
    assert woken(scene, 2) == 1
    scene.advance()
    assert [row.state for row in scene.rows()][3:] == ["Skipped"] * 3


def test_all_at_once_wake_once(woken: Callable[..., int]) -> None:
    scene = make_scene(script_step(roles="web"), machines=3)
    assert woken(scene, 0, 1, 2) == 1


@pytest.mark.parametrize(
    "properties",
    [
        {"Octopus.Action.MaxParallelism": "2"},
        {"Octopus.Action.AutoRetry.MaximumCount": "1"},
    ],
)
def test_where_something_may_follow_each_end_wakes(
    woken: Callable[..., int], properties: dict[str, str]
) -> None:
    step = script_step(roles="web")
    step["Properties"] |= properties
    step["Actions"][0]["Properties"] |= properties
    scene = make_scene(step, machines=3)
    assert woken(scene, 0) == 1


def test_guided_failures_and_several_actions_are_looked_at_each(
    woken: Callable[..., int],
) -> None:
    guided = make_scene(script_step(roles="web"), machines=2, use_guided_failure=True)
    assert woken(guided, 0, exit_code=1) == 1
    step = script_step(roles="web")
    step["Actions"].append({**step["Actions"][0], "Name": "And then"})
    assert woken(make_scene(step, machines=2), 0) == 1


def test_who_advances_the_task_meanwhile_looks_once_more(woken: Callable[..., int]) -> None:
    scene = make_scene(script_step(roles="web"), machines=2)
    assert claim(scene.task.pk, now=scene.clock()) is not None
    assert woken(scene, 0) == 1


def test_a_question_beside_scripts_is_seen_when_they_have_ended(
    woken: Callable[..., int],
) -> None:
    manual = {"Name": "Approve", "Actions": [{"Name": "Approve", "ActionType": "Octopus.Manual"}]}
    beside = {**script_step("Beside", roles="web"), "StartTrigger": "StartWithPrevious"}
    scene = make_scene(manual, beside, machines=2)
    assert woken(scene, 0) == 0
    assert woken(scene, 1) == 1
    scene.advance()
    assert scene.state() == "Paused"


def test_a_cancel_is_followed_end_by_end(woken: Callable[..., int]) -> None:
    scene = make_scene(script_step(roles="web"), machines=2)
    cancel_task(actor=SYSTEM, task=scene.task)
    scene.advance()
    assert woken(scene, 0) == 1

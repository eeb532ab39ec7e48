"""The list of tasks and the page of one: grid, failure, log, decisions, canceling."""

from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections
from django.test import AsyncClient
from django.test.utils import CaptureQueriesContext

from agent.contracts.spool import STDERR, STDOUT, Frame
from deployments.base.clock import utc_now
from deployments.execution.logs.append import append_output
from deployments.execution.models import ActionExecution, Interruption
from deployments.server_tasks.models import ServerNode, ServerTask
from deployments.server_tasks.states import TaskState
from tests.factories import default_space, make_ana, make_ben, make_cleo, make_dan, make_space
from tests.factories.domain import (
    make_deployment,
    make_environment,
    make_group,
    make_lifecycle,
    make_release,
    script_step,
)
from tests.factories.execution import Scene, make_scene
from tests.factories.tenants import connect, make_tag_set, make_tenant, make_tenanted_project
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db


def write(execution: ActionExecution, *lines: str, stream: int = STDOUT) -> None:
    row = ActionExecution.objects.in_space(default_space()).get(pk=execution.pk)
    payload = "".join(f"{line}\n" for line in lines).encode()
    append_output({row.pk: [Frame(stream, 1_700_000_000_000, row.log_length, payload)]})


def path_of(scene: Scene) -> str:
    return f"tasks/{scene.task.public_id}"


def manual_step() -> dict[str, object]:
    properties = {"Octopus.Action.Manual.Instructions": "Look at the **totals**"}
    action = {"Name": "Approve", "ActionType": "Octopus.Manual", "Properties": properties}
    return {"Name": "Approve", "Actions": [action]}


def test_a_running_task_shows_steps_by_targets_and_lines() -> None:
    scene = make_scene(
        script_step("Install", roles="web"), script_step("Check", roles="web"), machines=2
    )
    scene.accept(*scene.runs())
    scene.start(*scene.runs())
    first = scene.runs()[0].execution
    write(first, "Starting <b>", "\x1b[32mgreen\x1b[0m")
    page = Visitor(make_ana()).get(path_of(scene)).content.decode()
    assert "Running, step 1 of 2" in page
    assert f'href="#exec-{first.pk}"' in page
    assert f'id="exec-{first.pk}-L1"' in page
    assert "Starting &lt;b&gt;" in page
    assert '<span class="ansi-green">green</span>' in page
    assert "Cancel task" in page
    assert page.count("Queued") >= 2


def test_a_failure_stands_above_everything() -> None:
    scene = make_scene(script_step("Install", roles="web"))
    run = scene.runs()[0]
    scene.accept(run)
    scene.start(run)
    write(run.execution, *(f"line {n}" for n in range(30)))
    write(run.execution, "port is taken", stream=STDERR)
    scene.finish(run, exit_code=3)
    scene.advance()
    page = Visitor(make_ana()).get(path_of(scene)).content.decode()
    assert page.index("port is taken") < page.index("Steps and targets")
    assert "exit code 3" in page
    assert "Redeploy to" in page


def test_the_page_keeps_to_the_last_lines_and_loads_the_others() -> None:
    scene = make_scene(script_step("Install", roles="web"))
    run = scene.runs()[0]
    scene.accept(run)
    scene.start(run)
    write(run.execution, *(f"line number {n}" for n in range(1, 3001)))
    ana = Visitor(make_ana())
    node = run.execution.pk
    page = ana.get(path_of(scene)).content.decode()
    assert "line number 3000<" in page
    assert "line number 2500<" not in page
    assert "Show earlier lines (2500)" in page
    part = ana.get(f"{path_of(scene)}/lines", {"node": node, "first": 11, "count": 5})
    assert part.content.decode().count('class="line"') == 5
    assert "line number 15<" in part.content.decode()
    plain = ana.get(path_of(scene), {"node": node, "first": 1000}).content.decode()
    assert f'id="exec-{node}-L1000"' in plain
    assert ana.get(f"{path_of(scene)}/lines", {"node": node + 1}).status_code == 404


def test_the_log_is_searched_by_the_server() -> None:
    scene = make_scene(script_step("Install", roles="web"))
    run = scene.runs()[0]
    write(run.execution, *(f"line number {n}" for n in range(1, 1001)))
    ana = Visitor(make_ana())
    page = ana.get(path_of(scene), {"find": "NUMBER 77"}).content.decode()
    assert "11 lines with “NUMBER 77”" in page
    assert f"first=770#exec-{run.execution.pk}-L770" in page
    assert "0 lines with" in text_of(ana.get(path_of(scene), {"find": "nowhere"}))
    first = ana.get(path_of(scene), {"find": "line"}).content.decode()
    assert "200 lines with “line” so far." in first
    assert f"from=exec-{run.execution.pk}%3A0%3A200" in first
    rest = {"find": "line", "from": f"exec-{run.execution.pk}:0:990"}
    assert "10 lines with “line” Clear" in text_of(ana.get(path_of(scene), rest))
    elsewhere = {"find": "line", "in": "task"}
    assert "0 lines with" in text_of(ana.get(path_of(scene), elsewhere))


@pytest.mark.django_db(transaction=True)
async def test_raw_log_and_live_stream() -> None:
    try:
        await read_log_and_stream()
    finally:
        # The thread of this test's synchronous parts has a connection of its own.
        await sync_to_async(connections.close_all)()


async def read_log_and_stream() -> None:
    scene = await sync_to_async(lambda: make_scene(script_step("Install", roles="web")))()
    visitor = await sync_to_async(lambda: Visitor(make_ana()))()

    def finish() -> None:
        run = scene.runs()[0]
        write(run.execution, "first", "second")
        scene.run_to_end()

    await sync_to_async(finish)()
    client = AsyncClient()
    client.cookies = visitor.client.cookies
    text = await body_of(client, f"{address(scene)}/log.txt")
    assert "== Success: Step 1: Install ==" in text
    assert "|       second\n" in text
    live = await client.get(f"{address(scene)}/stream?after=0")
    assert live["Content-Type"] == "text/event-stream"
    assert live["X-Accel-Buffering"] == "no"
    assert live["Cache-Control"] == "no-store"
    events = await body_of(client, f"{address(scene)}/stream?after=0")
    assert '"text": "second"' in events
    assert "event: end" in events
    later = await body_of(client, f"{address(scene)}/stream", {"Last-Event-ID": "1000"})
    assert "second" not in later
    assert "event: end" in later
    stranger = await AsyncClient().get(f"{address(scene)}/stream")
    assert stranger.status_code == 302


@pytest.mark.django_db(transaction=True)
async def test_a_viewer_joins_although_there_are_new_lines_each_time_it_looks() -> None:
    try:
        scene = await sync_to_async(lambda: make_scene(script_step("Install", roles="web")))()
        visitor = await sync_to_async(lambda: Visitor(make_ana()))()

        def run_and_write() -> ActionExecution:
            run = scene.runs()[0]
            scene.accept(run)
            scene.start(run)
            write(run.execution, "line 0")
            return run.execution

        execution = await sync_to_async(run_and_write)()
        client = AsyncClient()
        client.cookies = visitor.client.cookies
        answer: Any = await client.get(f"{address(scene)}/stream?after=0")
        text = ""
        for number in range(1, 5):
            text += (await anext(answer.streaming_content)).decode()
            await sync_to_async(write)(execution, f"line {number}")
        assert "event: state" in text
        assert text.count('"line 1"') == 1
        await answer.streaming_content.aclose()
    finally:
        await sync_to_async(connections.close_all)()


async def body_of(client: AsyncClient, path: str, headers: dict[str, str] | None = None) -> str:
    """Read a streamed answer to its end."""
    answer: Any = await client.get(path, headers=headers or {})
    return b"".join([part async for part in answer.streaming_content]).decode()


def address(scene: Scene) -> str:
    """Return the address of the scene's task, whatever number the space has by now."""
    return f"/app/Spaces-{scene.deployment.space_id}/{path_of_pk(scene)}"


def path_of_pk(scene: Scene) -> str:
    return f"tasks/ServerTasks-{scene.deployment.task_id}"


def test_a_question_is_taken_and_answered() -> None:
    scene = make_scene(manual_step(), script_step("Install", roles="web"))
    ana = Visitor(make_ana())
    page = ana.get(path_of(scene)).content.decode()
    assert "<strong>totals</strong>" in page
    assert "Take responsibility" in page
    assert "Waits in the queue" not in page
    question = Interruption.objects.in_space(default_space()).get()
    path = f"{path_of(scene)}/interruptions/{question.public_id}"
    cleo = Visitor(make_cleo(default_space()))
    assert cleo.post(path, {"answer": "Proceed"}).status_code in {403, 404}
    seen = text_of(cleo.get(path_of(scene)))
    assert "You need the permission InterruptionSubmit. The team Space Managers has it." in seen
    ana.post(path, {"answer": "take"})
    assert "you are responsible" in text_of(ana.get(path_of(scene)))
    ana.post(path, {"answer": "Proceed", "notes": "They fit"})
    question = Interruption.objects.in_space(default_space()).get()
    assert (question.result, question.notes) == ("Proceed", "They fit")
    again = ana.post(path, {"answer": "Abort"})
    assert again.status_code == 302
    assert "answered already" in text_of(ana.get(path_of(scene)))


def test_a_waiting_task_says_why_and_is_canceled() -> None:
    scene = make_scene(script_step("Install", roles="web"), begin=False)
    release = make_release(scene.deployment.project, "2.0.0")
    scene.begin()
    second = make_deployment(release, scene.environment)
    scene.begin()
    ana = Visitor(make_ana())
    page = ana.get(f"tasks/{second.task.public_id}").content.decode()
    assert "Waits in the queue, 1 ahead" in page
    assert f'href="/app/Spaces-1/tasks/{scene.task.public_id}"' in page
    assert ana.post(f"tasks/{second.task.public_id}/cancel").status_code == 302
    second.task.refresh_from_db()
    assert second.task.state == TaskState.CANCELED
    cleo = Visitor(make_cleo(default_space()))
    assert cleo.post(f"{path_of(scene)}/cancel").status_code == 403
    assert "Cancel task" not in text_of(cleo.get(path_of(scene)))


def test_the_list_has_running_ones_on_top_and_filters() -> None:
    done = make_scene(script_step("Install", roles="web"))
    done.run_to_end()
    running = make_scene(script_step("Install", roles="web"))
    ana = Visitor(make_ana())
    page = ana.get("tasks").content.decode()
    assert page.index(running.task.public_id) < page.index(done.task.public_id)
    only = ana.get("tasks", {"state": "Success"}).content.decode()
    assert done.task.public_id in only
    assert f">{running.task.public_id}<" not in only
    project = running.deployment.project.public_id
    assert f">{done.task.public_id}<" not in ana.get("tasks", {"project": project}).content.decode()
    environment = done.environment.public_id
    rows = ana.get("tasks", {"environment": environment}, headers={"HX-Target": "task-rows"})
    assert rows.content.decode().startswith('<tbody id="task-rows"')
    assert f">{running.task.public_id}<" not in rows.content.decode()
    assert "No task fits" in text_of(ana.get("tasks", {"q": "nothing like it"}))


def test_what_runs_shows_how_far_it_has_come() -> None:
    steps = [script_step(name, roles="web") for name in ("One", "Two")]
    scene, ana = make_scene(*steps, machines=2), Visitor(make_ana())

    def shown() -> str:
        return str(ana.get("tasks", {"state": "Executing"}).content.decode())

    assert 'value="0" aria-label="0 % done"' in shown()
    first = scene.runs()[0]
    scene.accept(first)
    scene.start(first)
    scene.finish(first)
    assert 'value="25" aria-label="25 % done"' in shown()
    scene.run_to_end()
    assert "% done" not in ana.get("tasks").content.decode()


def test_the_list_is_filtered_by_kind_person_and_age() -> None:
    ana = make_ana()
    scenes = [make_scene(script_step("Install", roles="web")) for _ in range(2)]
    old, mine = (scene.task for scene in scenes)
    rows = ServerTask.objects.in_space(default_space())
    rows.filter(pk=old.pk).update(queued=utc_now() - timedelta(days=3))
    rows.filter(pk=mine.pk).update(queued=utc_now(), requested_by=ana.actor.public_id)
    visitor = Visitor(ana)

    def found(**filters: str) -> list[str]:
        page = visitor.get("tasks", filters).content.decode()
        return [task.public_id for task in (old, mine) if f">{task.public_id}<" in page]

    both = [old.public_id, mine.public_id]
    assert found() == found(kind="Deploy") == found(age="7d") == found(age="no such") == both
    assert found(kind="Health") == found(kind="no such \0<b>") == []
    assert found(by="me") == found(age="1d") == [mine.public_id]
    assert found(kind="Health", by="me") == []
    page = visitor.get("tasks", {"by": "me", "age": "1d"}).content.decode()
    assert 'href="?by=me&amp;age=1d&amp;state=Executing"' in page


def test_only_what_may_be_seen() -> None:
    scene = make_scene(script_step("Install", roles="web"))
    dan = Visitor(make_dan(make_space()))
    assert dan.get(path_of(scene)).status_code == 404
    ben = Visitor(make_ben(default_space(), "Environments-999999999"))
    assert ben.get(path_of(scene)).status_code == 404
    assert f">{scene.task.public_id}<" not in ben.get("tasks").content.decode()


def test_the_number_of_queries_does_not_grow() -> None:
    ana = Visitor(make_ana())
    small = make_scene(script_step("Install", roles="web"))
    large = make_scene(*(script_step(f"Step {n}", roles="web") for n in range(4)), machines=4)
    for scene in (small, large):
        for run in scene.runs():
            write(run.execution, "line")
    large.run_to_end(fail=[("Step 2", large.machines[0].name)])
    small.run_to_end(fail=[("Install", small.machines[0].name)])
    counts = []
    for path in (path_of(small), path_of(large)):
        ana.get(path)
        with CaptureQueriesContext(connection) as queries:
            ana.get(path)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 30
    with CaptureQueriesContext(connection) as few:
        ana.get("tasks")
    for _ in range(5):
        make_scene(script_step("Install", roles="web")).run_to_end()
    with CaptureQueriesContext(connection) as many:
        ana.get("tasks")
    assert len(many) == len(few) <= 25


def test_the_list_is_filtered_by_tenant_and_node() -> None:
    place = make_environment("Production")
    project = make_tenanted_project(lifecycle=make_lifecycle(place), steps=[script_step()])
    release = make_release(project)
    tasks = []
    for name in ("Aarhus", "Bergen"):
        tenant = make_tenant(name)
        connect(tenant, project, place)
        task = make_deployment(release, place, state="Success", tenant=tenant).task
        mine = ServerTask.objects.in_space(default_space()).filter(pk=task.pk)
        mine.update(node_name=f"node-{name.lower()}")
        ServerNode.objects.create(name=f"node-{name.lower()}", last_seen=task.queued)
        tasks.append(task.public_id)
    ana = Visitor(make_ana())
    assert all(task in text_of(ana.get("tasks")) for task in tasks)
    for query in ({"tenant": "aarhus"}, {"node": "node-aarhus"}):
        text = text_of(ana.get("tasks", query))
        assert tasks[0] in text
        assert tasks[1] not in text
    assert "No task fits" in text_of(ana.get("tasks", {"tenant": "nobody"}))


def test_the_list_is_narrowed_to_a_group_and_to_tags_of_tenants() -> None:
    make_tag_set("Region", "North", "South")
    places = make_environment()
    project = make_tenanted_project(
        "Shop",
        group=make_group("Apps"),
        lifecycle=make_lifecycle(places),
        steps=[script_step()],
    )
    release = make_release(project, "1.0.0")
    tasks = {
        region: make_deployment(
            release,
            places,
            tenant=make_tenant("", f"Region/{region}", connections={project: [places]}),
        ).task.public_id
        for region in ("North", "South")
    }
    other = make_scene(script_step(roles="web")).task.public_id
    ana = Visitor(make_ana())

    def listed(**filters: str) -> set[str]:
        page = ana.get("tasks", filters).content.decode()
        return {task for task in (*tasks.values(), other) if f">{task}<" in page}

    assert listed() == {*tasks.values(), other}
    assert listed(tag="region/north") == {tasks["North"]}
    assert listed(tag="Region/East") == set()
    assert listed(group=project.group.public_id) == set(tasks.values())
    assert listed(group="Nothing-1") == set()

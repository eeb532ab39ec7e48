"""Searching a log: across chunks and streams, in rounds, in one node."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agent.contracts.spool import STDERR, STDOUT, Frame
from deployments.execution.logs import search as module
from deployments.execution.logs.append import append_output, write_lines
from deployments.execution.logs.search import Found, search_log
from deployments.execution.models import ActionExecution
from tests.factories.domain import script_step
from tests.factories.execution import Scene, make_scene
from tests.factories.spaces import default_space

pytestmark = pytest.mark.django_db


def write(execution: ActionExecution, text: str, stream: int = STDOUT) -> None:
    row = ActionExecution.objects.in_space(default_space()).get(pk=execution.pk)
    append_output({row.pk: [Frame(stream, 0, row.log_length, text.encode())]})


@pytest.fixture
def scene() -> Scene:
    return make_scene(script_step("Install", roles="web"), machines=2)


def search(scene: Scene, text: str, **options: str) -> Found:
    rows = scene.rows()
    for row in rows:
        row.space = default_space()
    return search_log(scene.task, rows, text, **options)


def numbers(found: Found) -> list[int]:
    return [hit.line.number for hit in found.hits]


def test_a_text_over_chunks_and_between_streams(scene: Scene) -> None:
    execution = scene.runs()[0].execution
    write(execution, "first\nsome nee")
    write(execution, "other stream\n", STDERR)
    write(execution, "dle here\nlast\n")
    found = search(scene, "NEEDLE")
    assert [(hit.line.number, hit.line.text) for hit in found.hits] == [(2, "some needle here")]
    assert found.hits[0].node == f"exec-{execution.pk}"


def test_letters_beyond_ascii(scene: Scene) -> None:
    write(scene.runs()[0].execution, "nothing\nSTRASSE Ärger\n")
    assert numbers(search(scene, "ärger")) == [2]
    assert numbers(search(scene, "straße")) == [2]


def test_rounds_give_every_line_once(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_HITS", 7)
    first, second = (run.execution for run in scene.runs())
    for part in range(10):
        write(first, "".join(f"hit {part}.{n}\nmiss\n" for n in range(3)))
    write(second, "hit\n")
    write_lines(scene.task, None, [("info", "a hit of the task")])
    lines, start = [], ""
    for _ in range(10):
        found = search(scene, "hit", start=start)
        lines += [(hit.node, hit.line.number) for hit in found.hits]
        start = found.go_on
        if not start:
            break
    assert [node for node, _ in lines[:2]] == ["task", f"exec-{first.pk}"]
    expected = [(f"exec-{first.pk}", n) for n in range(1, 61, 2)]
    assert lines[1:] == [*expected, (f"exec-{second.pk}", 1)]


def test_time_ends_a_round_and_nothing_is_lost(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_SECONDS", 0.0)
    execution = scene.runs()[0].execution
    for part in range(5):
        write(execution, f"miss {part}\n" * 3)
    write(execution, "the hit\n")
    rows = scene.rows()
    for row in rows:
        row.space = default_space()
    found, start = search_log(scene.task, rows, "the hit"), ""
    assert found.go_on
    monkeypatch.setattr(module, "MOST_SECONDS", 60.0)
    found = search_log(scene.task, rows, "the hit", start=found.go_on)
    assert (numbers(found), start) == ([16], "")


def test_one_node_alone(scene: Scene) -> None:
    first, second = (run.execution for run in scene.runs())
    write(first, "hit\n")
    write(second, "hit\n")
    found = search(scene, "hit", node=f"exec-{second.pk}")
    assert [hit.node for hit in found.hits] == [f"exec-{second.pk}"]
    assert search(scene, "hit", start="nonsense:x").hits == []


def test_a_text_that_is_nowhere_costs_a_few_queries(scene: Scene) -> None:
    counts = []
    for parts in (3, 30):
        for part in range(parts):
            write(scene.runs()[0].execution, f"line {part}\n" * 50)
        with CaptureQueriesContext(connection) as captured:
            assert search(scene, "nowhere").hits == []
        counts.append(len(captured))
    assert counts[0] == counts[1]

"""Searching a log: across chunks and streams, in rounds, in one node."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agent.contracts.spool import RECORD, STDERR, STDOUT, Frame
from deployments.execution.logs import search as module
from deployments.execution.logs.append import append_output, write_lines
from deployments.execution.logs.queries import log_lines
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
    write(scene.runs()[0].execution, "nothing\nSTRASSE Ärger\ndie Straße\n")
    assert numbers(search(scene, "ärger")) == [2]
    assert numbers(search(scene, "straße")) == [2, 3]
    assert numbers(search(scene, "strasse")) == [2, 3]


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


def rounds(scene: Scene, text: str) -> list[int]:
    """Search until the end, in as many rounds as it takes; every round must go on."""
    found, start, seen = [], "", set()
    for _ in range(100):
        part = search(scene, text, start=start)
        found += numbers(part)
        start = part.go_on
        if not start:
            return found
        assert start not in seen
        seen.add(start)
    raise AssertionError("the search does not come to an end")


def test_time_ends_a_round_and_nothing_is_lost(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_SECONDS", 0.0)
    execution = scene.runs()[0].execution
    for part in range(5):
        write(execution, f"miss {part}\n" * 3)
    write(execution, "the h")
    write(execution, "it\n")
    assert rounds(scene, "the hit") == [16]


def test_a_line_over_many_chunks_is_passed(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_SECONDS", 0.0)
    execution = scene.runs()[0].execution
    write(execution, "first\n")
    for part in range(12):
        write(execution, f"progress {part}\r")
    write(execution, "\nthe hit\n")
    assert rounds(scene, "the hit") == [3]
    assert rounds(scene, "progress 3") == [2]


def test_what_was_printed_without_an_end(scene: Scene) -> None:
    execution = scene.runs()[0].execution
    write(execution, "nothing\nthe nee")
    write(execution, "dle at the end")
    assert numbers(search(scene, "needle at")) == [2]


def test_a_line_that_the_other_stream_interrupted(scene: Scene) -> None:
    execution = scene.runs()[0].execution
    write(execution, "progress ")
    for part in range(20):
        write(execution, f"err {part}\n", STDERR)
    write(execution, "needle\n")
    assert numbers(search(scene, "needle")) == [1]
    row = scene.rows()[0]
    row.space = default_space()
    assert [line.text for line in log_lines(row, first=1, count=1)] == ["progress needle"]
    assert log_lines(row, first=1, count=3)[0].text == "progress needle"


def test_warnings_of_the_agent_are_lines(scene: Scene) -> None:
    execution = scene.runs()[0].execution
    record = json.dumps({"t": "warning", "message": "the disk is nearly full"})
    row = ActionExecution.objects.in_space(default_space()).get(pk=execution.pk)
    append_output({row.pk: [Frame(RECORD, 0, row.log_length, record.encode())]})
    assert numbers(search(scene, "nearly full")) == [1]


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

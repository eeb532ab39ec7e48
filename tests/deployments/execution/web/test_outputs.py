"""The output variables on the page of a task: who sees what, and what stays closed."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.execution.models import OutputVariable
from tests.factories import default_space, make_ana, make_ben, make_cleo, make_dan, make_space
from tests.factories.domain import script_step
from tests.factories.execution import Scene, make_scene
from tests.support.portal import Answer, Visitor, text_of

pytestmark = pytest.mark.django_db

SECRET = "sesame-open-9"


def path_of(scene: Scene) -> str:
    return f"tasks/{scene.task.public_id}"


def outputs_of(answer: Answer) -> str:
    """Return the part of the task's page that lists the outputs."""
    page = answer.content.decode()
    part: str = page.partition('<div id="task-outputs">')[2].partition("<template")[0]
    return part


def with_outputs() -> Scene:
    """Return a deployment of two steps on two targets that set plain and secret outputs."""
    scene = make_scene(
        script_step("Install", roles="web"), script_step("Check", roles="web"), machines=2
    )
    for number, run in enumerate(scene.runs(), 1):
        scene.output(run, "Folder", f"/srv/<app>{number}")
    scene.output(scene.runs()[0], "Token", SECRET, sensitive=True)
    scene.output(scene.runs()[1], "Nothing", "")
    return scene


def test_outputs_are_shown_by_step_and_target() -> None:
    scene = with_outputs()
    found = outputs_of(Visitor(make_ana()).get(path_of(scene)))
    assert "4 values" in found
    assert found.count(">Install</th>") == 1
    first, second = (machine.name for machine in scene.machines)
    folder = found.index("/srv/&lt;app&gt;1")
    assert found.index(first) < folder < found.index(second) < found.index("/srv/&lt;app&gt;2")
    assert ">Empty<" in found
    assert found.count("Sensitive value") == 1
    assert SECRET not in found


def test_a_task_without_outputs_shows_none() -> None:
    scene = make_scene(script_step("Install", roles="web"))
    ana = Visitor(make_ana())
    assert "Output variables" not in ana.get(path_of(scene)).content.decode()
    assert "No step has set" in text_of(ana.get(f"{path_of(scene)}/outputs"))


def test_the_part_that_is_drawn_anew_has_them() -> None:
    scene = with_outputs()
    ana = Visitor(make_ana())
    scene.output(scene.runs()[0], "Later", "came meanwhile")
    part = ana.get(path_of(scene), {"part": "state"})
    assert "came meanwhile" in outputs_of(part)
    assert "5 values" in outputs_of(part)


def test_only_the_last_attempt_counts() -> None:
    step = script_step("Install", roles="web")
    step["Actions"][0]["Properties"]["Octopus.Action.AutoRetry.MaximumCount"] = "1"
    scene = make_scene(step)
    scene.output(scene.runs()[0], "Folder", "/of/the/first")
    scene.accept(*scene.runs())
    scene.start(*scene.runs())
    scene.finish(*scene.runs(), exit_code=1)
    scene.advance()
    ana = Visitor(make_ana())
    scene.clock.forward(60)
    scene.advance()
    assert len(scene.rows()) == 2
    scene.output(scene.runs()[0], "Folder", "/of/the/second")
    found = outputs_of(ana.get(path_of(scene)))
    assert "/of/the/second" in found
    assert "/of/the/first" not in found


def test_values_need_the_right_to_see_variables() -> None:
    scene = with_outputs()
    output = OutputVariable.objects.in_space(default_space()).get(name="Nothing")
    paths = (f"{path_of(scene)}/outputs", f"{path_of(scene)}/outputs/{output.public_id}")
    cleo = Visitor(make_cleo(default_space()))
    assert "/srv/" not in outputs_of(cleo.get(path_of(scene)))
    dan = Visitor(make_dan(make_space()))
    ben = Visitor(make_ben(default_space(), "Environments-999999999"))
    for path in paths:
        refused = cleo.get(path)
        assert refused.status_code == 403
        assert "VariableView" in refused.content.decode()
        assert dan.get(path).status_code == 404
        assert ben.get(path).status_code == 404


def test_all_of_them_have_a_page_with_a_filter() -> None:
    scene = make_scene(script_step("Install", roles="web"))
    run = scene.runs()[0]
    for number in range(120):
        scene.output(run, f"Value{number:03}", f"text {number}")
    scene.output(run, "Token", SECRET, sensitive=True)
    ana = Visitor(make_ana())
    short = outputs_of(ana.get(path_of(scene)))
    assert short.count('scope="row"') == 30
    assert "More than 30 values" in short
    assert f'href="/app/Spaces-1/{path_of(scene)}/outputs"' in short
    pages = [ana.get(f"{path_of(scene)}/outputs", {"page": n}).content.decode() for n in (1, 2, 3)]
    whole = "".join(pages)
    assert [f">text {number}<" in whole for number in range(120)] == [True] * 120
    assert SECRET not in whole
    assert "of 121" in whole
    some = text_of(ana.get(f"{path_of(scene)}/outputs", {"q": "VALUE07"}))
    assert [f"text 7{n}" in some for n in range(10)] == [True] * 10
    assert "text 80" not in some
    assert "has this in its name" in text_of(ana.get(f"{path_of(scene)}/outputs", {"q": "<b>"}))


def test_a_long_value_is_cut_and_can_be_had_whole() -> None:
    scene = make_scene(script_step("Install", roles="web"))
    run = scene.runs()[0]
    value = "\n".join(f"<line> {n}" for n in range(500))
    scene.output(run, "Report", value)
    scene.output(run, "Token", SECRET, sensitive=True)
    ana = Visitor(make_ana())
    page = outputs_of(ana.get(path_of(scene)))
    assert "&lt;line&gt; 0" in page
    assert "&lt;line&gt; 400" not in page
    assert f"All {len(value)} characters" in page
    rows = {row.name: row for row in OutputVariable.objects.in_space(default_space())}
    path = f"{path_of(scene)}/outputs/{rows['Report'].public_id}"
    answer = ana.get(path)
    assert answer.content.decode() == value
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith("attachment; ")
    assert ana.get(f"{path_of(scene)}/outputs/{rows['Token'].public_id}").status_code == 404
    other = make_scene(script_step("Install", roles="web"))
    assert ana.get(f"{path_of(other)}/outputs/{rows['Report'].public_id}").status_code == 404
    assert ana.get(f"{path_of(scene)}/outputs/nonsense").status_code == 404


def test_the_number_of_queries_does_not_grow() -> None:
    ana = Visitor(make_ana())
    small, large = with_outputs(), with_outputs()
    for run in large.runs():
        for number in range(20):
            large.output(run, f"Value{number}", "text")
    for page in ("", "/outputs"):
        counts = []
        for scene in (small, large):
            ana.get(f"{path_of(scene)}{page}")
            with CaptureQueriesContext(connection) as queries:
                ana.get(f"{path_of(scene)}{page}")
            asked = [q["sql"] for q in queries.captured_queries if "outputvariable" in q["sql"]]
            counts.append((len(queries), len(asked)))
        assert counts[0] == counts[1]
        assert counts[0][1] == (2 if page else 1)

"""`tasks/{id}/details` and `/raw`: the tree that clients print."""

import pytest

from agent.contracts.spool import STDERR, STDOUT, Frame
from deployments.execution.logs.append import append_output
from tests.factories.domain import script_step
from tests.factories.execution import make_scene
from tests.factories.people import make_ana, make_cleo, make_dan
from tests.factories.spaces import default_space, make_space

pytestmark = pytest.mark.django_db


def test_the_tree_and_the_raw_log() -> None:
    scene = make_scene(script_step("Say hello", roles="web"), script_step("After", roles="web"))
    ana = make_ana()
    path = f"/api/tasks/{scene.task.public_id}"
    begun = ana.api.get(f"{path}/details").json()
    assert [node["Status"] for node in begun["ActivityLogs"][0]["Children"]] == ["Pending"] * 2
    (run,) = scene.runs()
    frames = [Frame(STDOUT, 1000, 0, b"hi\n"), Frame(STDERR, 2000, 3, b"oh no\n")]
    append_output({run.execution_id: frames})
    scene.finish(run, exit_code=3)
    scene.advance()
    details = ana.api.get(f"/api/Spaces-1/tasks/{scene.task.public_id}/details").json()
    assert details["Task"]["State"] == "Failed"
    assert details["Progress"]["ProgressPercentage"] == 100
    (root,) = details["ActivityLogs"]
    assert (root["Name"], root["Status"]) == (scene.task.description, "Failed")
    assert [node["Name"] for node in root["Children"]] == ["Step 1: Say hello", "Step 2: After"]
    assert [node["Status"] for node in root["Children"]] == ["Failed", "Skipped"]
    (target,) = root["Children"][0]["Children"]
    assert target["Name"] == scene.machines[0].name
    printed = [(line["Category"], line["MessageText"]) for line in target["LogElements"]]
    assert printed == [("Info", "hi"), ("Error", "oh no")]
    skipped = root["Children"][1]["Children"][0]["LogElements"]
    assert skipped[0]["MessageText"] == "An earlier step failed."
    tail = ana.api.get(f"{path}/details?tail=1").json()["ActivityLogs"][0]["Children"][0]
    assert [line["MessageText"] for line in tail["Children"][0]["LogElements"]] == ["oh no"]
    raw = ana.api.get(f"{path}/raw")
    text = b"".join(raw).decode()
    assert raw["Content-Type"].startswith("text/plain")
    assert "== Failed: Step 1: Say hello ==" in text
    assert "00:00:01   Info     |       hi" in text


def test_a_queued_task_has_an_empty_tree() -> None:
    scene = make_scene(script_step(roles="web"), begin=False)
    details = make_ana().api.get(f"/api/tasks/{scene.task.public_id}/details").json()
    assert details["ActivityLogs"][0]["Children"] == []
    assert details["ActivityLogs"][0]["Status"] == "Pending"


def test_who_reads_logs() -> None:
    scene = make_scene(script_step(roles="web"))
    cleo, dan = make_cleo(default_space()), make_dan(make_space())
    for part in ("details", "raw"):
        path = f"/api/tasks/{scene.task.public_id}/{part}"
        assert cleo.api.get(path).status_code == 200
        assert dan.api.get(path).status_code == 404

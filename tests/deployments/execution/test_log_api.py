"""`tasks/{id}/details` and `/raw`: the tree that clients print."""

import gzip

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agent.contracts.masking import Secrets
from agent.contracts.spool import STDERR, STDOUT, Frame
from deployments.base.api.streamed import takes_gzip
from deployments.execution.logs.append import append_output
from tests.factories.domain import script_step
from tests.factories.execution import Scene, make_scene
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


def printed(*texts: bytes, machines: int = 1) -> Scene:
    """Return a scene whose targets have printed a text each."""
    scene = make_scene(script_step("Say", roles="web"), machines=machines)
    for run, text in zip(scene.runs(), texts, strict=False):
        append_output({run.execution_id: [Frame(STDOUT, 1000, 0, text)]})
    return scene


def test_the_raw_log_of_one_node_and_compressed() -> None:
    scene = printed(b"of one\n", b"of two\n", machines=2)
    ana, (_, second) = make_ana(), scene.runs()
    path = f"/api/tasks/{scene.task.public_id}/raw"
    whole = b"".join(ana.api.get(path))
    assert b"of one" in whole
    one = b"".join(ana.api.get(f"{path}?node={second.execution_id}"))
    assert b"of two" in one
    assert b"of one" not in one
    packed = ana.api.get(path, headers={"Accept-Encoding": "br, gzip;q=0.5"})
    assert packed["Content-Encoding"] == "gzip"
    assert gzip.decompress(b"".join(packed)) == whole


@pytest.mark.parametrize(
    ("header", "takes"),
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.3", True),
        ("*", True),
        ("", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000, br", False),
        ("gzip;q=1.0", True),
        ("xgzip", False),
    ],
)
def test_who_takes_gzip(header: str, takes: bool) -> None:
    assert takes_gzip(header) is takes


def test_searching_by_rest_in_rounds_and_by_level() -> None:
    scene = printed(b"Fine 1\n" * 250)
    (run,) = scene.runs()
    frames = [Frame(STDERR, 2000, 1750, b"not FINE\n")]
    append_output({run.execution_id: frames})
    ana = make_ana()
    path = f"/api/tasks/{scene.task.public_id}/logs/search"
    first = ana.api.get(f"{path}?q=fine").json()
    assert len(first["Items"]) == 200
    rest = ana.api.get(f"{path}?q=fine&after={first['Next']}").json()
    assert (len(rest["Items"]), rest["Next"]) == (51, "")
    assert rest["Items"][-1] == {
        "Node": f"exec-{run.execution_id}",
        "Title": f"Say on {scene.machines[0].name}",
        "Number": 251,
        "Category": "Error",
        "OccurredAt": "1970-01-01T00:00:02.000+00:00",
        "MessageText": "not FINE",
    }
    errors = ana.api.get(f"{path}?q=fine&levels=error,fatal").json()["Items"]
    assert [item["Number"] for item in errors] == [251]
    assert ana.api.get(f"{path}?q=fine&node=task").json()["Items"] == []
    for wrong in ("", "?q=", "?q=x&levels=loud", f"?q={'x' * 1001}"):
        assert ana.api.get(path + wrong).status_code == 400


def test_a_search_finds_no_secret_and_asks_as_often_in_a_long_log() -> None:
    counts = []
    ana = make_ana()
    for times in (1, 2000):
        scene = make_scene(script_step("Say", roles="web"))
        (run,) = scene.runs()
        secrets = Secrets()
        secrets.add("hunter2hunter2")
        text = b"the password is hunter2hunter2, says a line that is long enough\n" * times
        append_output(
            {run.execution_id: [Frame(STDOUT, 0, 0, text)]}, secrets={run.execution_id: secrets}
        )
        path = f"/api/tasks/{scene.task.public_id}/logs/search"
        ana.api.get(f"{path}?q=nowhere")
        with CaptureQueriesContext(connection) as captured:
            assert ana.api.get(f"{path}?q=hunter2").json()["Items"] == []
        counts.append(len(captured))
        found = ana.api.get(f"{path}?q=password").json()["Items"]
        assert "********" in found[0]["MessageText"]
    assert counts[0] == counts[1]


def test_who_reads_logs() -> None:
    scene = make_scene(script_step(roles="web"))
    cleo, dan = make_cleo(default_space()), make_dan(make_space())
    for part in ("details", "raw", "logs/search?q=x"):
        path = f"/api/tasks/{scene.task.public_id}/{part}"
        assert cleo.api.get(path).status_code == 200
        assert dan.api.get(path).status_code == 404

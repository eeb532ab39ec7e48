"""Artifacts: taken in piece by piece from their own agent, kept once, shown to who may see them."""

import hashlib
import io
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from deployments.base.errors import Invalid, NotPermitted
from deployments.base.models import Event
from deployments.execution.models import AgentMessage, Artifact
from deployments.execution.services.artifacts import (
    LARGEST,
    delete_artifact,
    receive_piece,
    received,
)
from deployments.server_tasks.models import ServerTask
from packages_feed.models import StoredBlob
from packages_feed.services import sweep_unused_blobs
from packages_feed.storage import package_storage
from tests.deployments.calls import S, send
from tests.factories.domain import script_step
from tests.factories.execution import Scene, make_scene
from tests.factories.people import as_person, give_role, make_ana, make_ben, make_dan, make_user
from tests.factories.spaces import default_space, make_space
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db
CREDENTIAL = "k" * 64


def running() -> tuple[Scene, AgentMessage]:
    """Return a deployment whose script runs, on an agent with a credential."""
    scene = make_scene(script_step("Test", roles="web"))
    (run,) = scene.runs()
    scene.accept(run)
    scene.start(run)
    return scene, run


def keep(run: AgentMessage, content: bytes, name: str = "report.txt", number: int = 1) -> Artifact:
    size = len(content)
    receive_piece(run, number, name=name, start=0, total=size, pieces=[content])
    return Artifact.objects.in_space(default_space()).get(execution=run.execution, number=number)


def sign_in_agent(run: AgentMessage) -> None:
    run.agent.credential_sha256 = hashlib.sha256(CREDENTIAL.encode()).hexdigest()
    run.agent.save()


def put(run: AgentMessage, content: bytes, span: str, credential: str = CREDENTIAL) -> Any:
    return Client().put(
        f"/agent/v1/commands/{run.message_id}/artifacts/1",
        content,
        content_type="application/octet-stream",
        headers={
            "Authorization": f"Bearer {credential}",
            "Content-Range": f"bytes {span}",
            "X-Octopus-File-Name": "r%C3%A9port.txt",
        },
    )


def test_pieces_make_a_whole_and_repeats_change_nothing() -> None:
    _, run = running()
    sign_in_agent(run)
    assert put(run, b"hello ", "0-5/11").json() == {"received": 6, "stored": False}
    assert put(run, b"hello ", "0-5/11").json() == {"received": 6, "stored": False}
    assert received(run, 1).size == 6
    assert put(run, b"world", "6-10/11").json() == {"received": 11, "stored": True}
    assert put(run, b"other", "6-10/11").json() == {"received": 11, "stored": True}
    (row,) = Artifact.objects.in_space(default_space())
    assert (row.name, row.size) == ("r\u00e9port.txt", 11)
    assert row.blob_id is not None
    assert b"".join(package_storage().open(row.blob_id)) == b"hello world"


def test_a_whole_part_that_was_not_stored_yet_is_stored_by_an_empty_piece() -> None:
    _, run = running()
    sign_in_agent(run)
    (package_storage().spool_folder / f"artifact-{run.message_id}-1").write_bytes(b"abc")
    assert put(run, b"", "*/3").json() == {"received": 3, "stored": True}
    assert put(run, b"", "*/3").json() == {"received": 3, "stored": True}


def test_an_empty_file() -> None:
    _, run = running()
    sign_in_agent(run)
    assert put(run, b"", "*/0").json() == {"received": 0, "stored": True}


@pytest.mark.parametrize(
    ("number", "total", "content"),
    [(0, 1, b"x"), (1001, 1, b"x"), (1, LARGEST + 1, b"x"), (1, 2, b"too long")],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(
    number: int, total: int, content: bytes
) -> None:
    _, run = running()
    with pytest.raises(Invalid):
        receive_piece(run, number, name="x", start=0, total=total, pieces=[content])
    assert received(run, number).size == 0
    assert not Artifact.objects.in_space(default_space()).exists()


def test_only_the_agent_of_an_unfinished_command_may_bring_one() -> None:
    scene, run = running()
    assert put(run, b"x", "0-0/1").status_code == 401
    sign_in_agent(run)
    assert put(run, b"x", "nonsense").status_code == 400
    _, other = running()
    assert put(other, b"x", "0-0/1").status_code == 404
    scene.finish(run)
    assert put(run, b"x", "0-0/1").status_code == 404


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("a\\b\\c.txt", "c.txt"),
        ("", "artifact-1"),
        ("..", "artifact-1"),
        ("x" * 300, "x" * 255),
        ("a\0b\nc", "a\ufffdbc"),
    ],
)
def test_names_lead_nowhere(given: str, kept: str) -> None:
    _, run = running()
    assert keep(run, b"x", given).name == kept


def test_bytes_stay_while_anything_has_them() -> None:
    scene, run = running()
    first, second = keep(run, b"same"), keep(run, b"same", "copy.txt", 2)
    assert first.blob_id == second.blob_id
    ana = make_ana()
    delete_artifact(actor=ana.actor, artifact=first)
    StoredBlob.objects.update(stored=scene.clock() - timedelta(days=2))
    assert sweep_unused_blobs() == 0
    assert second.blob_id is not None
    assert package_storage().size(second.blob_id) == 4
    scene.deployment.delete()
    ServerTask.objects.in_space(default_space()).filter(pk=run.execution.task_id).delete()
    assert sweep_unused_blobs() == 1
    assert package_storage().size(second.blob_id) is None


def test_rest_lists_finds_and_sends_them() -> None:
    scene, run = running()
    row = keep(run, b"0123456789")
    ana = make_ana()
    path = f"/api/Spaces-1/artifacts/{row.public_id}"
    _, page = send(ana, "get", f"{S}/artifacts?regarding={scene.deployment.public_id}")
    (item,) = page["Items"]
    assert item["Filename"] == "report.txt"
    assert item["Source"] == scene.machines[0].name
    assert item["ServerTaskId"] == scene.task.public_id
    assert item["Links"] == {"Self": path, "Content": f"{path}/content"}
    _, nothing = send(ana, "get", f"{S}/artifacts?regarding=Projects-999999999")
    assert nothing["Items"] == []
    visitor = Visitor(ana)
    answer = visitor.get(f"{path}/content", headers={"Range": "bytes=2-4"})
    assert (answer.status_code, b"".join(answer.streaming_content)) == (206, b"234")
    assert "attachment" in answer.headers["Content-Disposition"]
    assert send(ana, "delete", path) == (200, {})
    assert not Artifact.objects.in_space(default_space()).exists()


def test_who_may_not_see_the_deployment_sees_no_artifact() -> None:
    scene, run = running()
    row = keep(run, b"secret report")
    dan = Visitor(make_dan(make_space()))
    path = f"/api/Spaces-1/artifacts/{row.public_id}"
    assert dan.get(f"{path}/content").status_code == 404
    ben = make_ben(default_space(), scene.environment.public_id)
    answer = Visitor(ben).get(f"{path}/content")
    assert b"".join(answer.streaming_content) == b"secret report"
    with pytest.raises(NotPermitted):
        delete_artifact(actor=ben.actor, artifact=row)
    stranger = make_user("stranger")
    elsewhere = {"environment": ["Environments-999999999"]}
    give_role(stranger, "userroles-projectdeployer", default_space(), elsewhere)
    assert Visitor(as_person(stranger)).get(f"{path}/content").status_code == 404


def test_the_page_of_the_task_shows_them() -> None:
    scene, run = running()
    ana = Visitor(make_ana())
    assert "Artifacts" not in text_of(ana.get(f"tasks/{scene.task.public_id}"))
    keep(run, b"x" * 2048)
    text = text_of(ana.get(f"tasks/{scene.task.public_id}"))
    assert "Artifacts Add artifact report.txt 2.0" in text
    assert f"on {scene.machines[0].name}" in text


def test_all_are_downloaded_as_one_zip() -> None:
    scene, run = running()
    path = f"tasks/{scene.task.public_id}"
    ana = Visitor(make_ana())
    assert ana.get(f"{path}/artifacts.zip").status_code == 404
    keep(run, b"a" * 300_000, "log.tar.gz")
    keep(run, b"second", "LOG.tar.gz", 2)
    keep(run, b"", "empty.txt", 3)
    assert "Download all" in text_of(ana.get(path))
    answer = ana.get(f"{path}/artifacts.zip")
    assert answer["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as archive:
        assert archive.testzip() is None
        target = scene.machines[0].name
        assert {name: archive.read(name) for name in archive.namelist()} == {
            f"{target}/log.tar.gz": b"a" * 300_000,
            f"{target}/LOG (2).tar.gz": b"second",
            f"{target}/empty.txt": b"",
        }
    dan = Visitor(make_dan(make_space()))
    assert dan.get(f"{path}/artifacts.zip").status_code == 404


def test_one_is_deleted_on_the_page_when_the_task_has_ended() -> None:
    scene, run = running()
    row = keep(run, b"x")
    path = f"tasks/{scene.task.public_id}"
    person = make_ana()
    ana = Visitor(person)
    assert "Delete report.txt?" not in text_of(ana.get(path))
    scene.finish(run)
    scene.advance()
    assert "Delete report.txt?" in text_of(ana.get(path))
    ben = Visitor(make_ben(default_space(), scene.environment.public_id))
    assert "Delete report.txt?" not in text_of(ben.get(path))
    assert ben.post(f"{path}/artifacts/{row.public_id}/delete").status_code == 403
    assert ana.post(f"{path}/artifacts/Artifacts-999999999/delete").status_code == 404
    assert ana.post(f"{path}/artifacts/{row.public_id}/delete").status_code == 302
    assert "Artifacts" not in text_of(ana.get(path))
    events = Event.objects.filter(category="Deleted", subject_id=row.public_id)
    assert [event.actor_id for event in events] == [person.actor.public_id]

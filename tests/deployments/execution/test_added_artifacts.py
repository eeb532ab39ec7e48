"""Artifacts that people add to a task over REST: announced, sent, changed, with limits."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from deployments.base.errors import Conflict, NotPermitted
from deployments.base.models import Event
from deployments.execution.api import artifacts as api
from deployments.execution.models import Artifact
from deployments.execution.services.artifacts import adding, store_content
from packages_feed.models import StoredBlob
from packages_feed.services.blobs import hashed
from packages_feed.storage import package_storage
from tests.deployments.calls import S, send
from tests.deployments.execution.test_artifacts import keep, running
from tests.factories.execution import Scene
from tests.factories.people import Person, make_ana, make_ben, make_cleo, make_dan
from tests.factories.spaces import default_space, make_space
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db


def add(person: Person, scene: Scene, name: str = "notes.txt", **more: Any) -> tuple[int, Any]:
    body = {"Filename": name, "ServerTaskId": scene.task.public_id, **more}
    return send(person, "post", f"{S}/artifacts", body)


def put(person: Person, artifact: str, content: bytes) -> Any:
    path = f"{S}/artifacts/{artifact}/content"
    return person.api.put(path, content, content_type="application/octet-stream")


def read(person: Person, artifact: str) -> bytes:
    answer: Any = person.api.get(f"{S}/artifacts/{artifact}/content")
    assert answer.status_code == 200
    return b"".join(answer.streaming_content)


def test_announced_then_sent_then_replaced() -> None:
    scene, _ = running()
    ana = make_ana()
    status, made = add(ana, scene, "../../plans/notes.txt", Source="The build server")
    assert status == 201
    assert (made["Filename"], made["Source"]) == ("notes.txt", "The build server")
    assert made["ServerTaskId"] == made["LogCorrelationId"] == scene.task.public_id
    assert ana.api.get(made["Links"]["Content"]).status_code == 404
    page = f"tasks/{scene.task.public_id}"
    assert "notes.txt" not in text_of(Visitor(ana).get(page))
    answer = put(ana, made["Id"], b"first")
    assert (answer.status_code, answer.json()["Length"]) == (200, 5)
    assert read(ana, made["Id"]) == b"first"
    assert "notes.txt 5 bytes, from The build server" in text_of(Visitor(ana).get(page)).replace(
        "\xa0", " "
    )
    row = Artifact.objects.in_space(default_space()).get(name="notes.txt")
    first = row.blob_id
    assert put(ana, made["Id"], b"the second").status_code == 200
    assert read(ana, made["Id"]) == b"the second"
    assert first is not None
    assert package_storage().size(first) == 5  # until the transaction of the test ends
    events = Event.objects.filter(subject_id=made["Id"]).order_by("pk")
    assert [event.category for event in events] == ["Created", "Modified", "Modified"]


def test_another_name() -> None:
    scene, run = running()
    row = keep(run, b"x")
    ana = make_ana()
    path = f"{S}/artifacts/{row.public_id}"
    status, body = send(ana, "put", path, {"Filename": "better.txt", "Source": "nowhere"})
    target = scene.machines[0].name
    assert (status, body["Filename"], body["Source"]) == (200, "better.txt", target)
    assert send(ana, "put", path, {"Filename": ".."})[0] == 400
    assert send(ana, "put", path, {})[0] == 400


def test_what_a_script_has_handed_over_keeps_its_bytes() -> None:
    _, run = running()
    row = keep(run, b"evidence")
    ana = make_ana()
    answer = put(ana, row.public_id, b"forged")
    assert answer.status_code == 409
    assert answer.json()["Errors"] == ["What a script has handed over is kept as it was."]
    assert read(ana, row.public_id) == b"evidence"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"Filename": "x"},
        {"Filename": "x", "ServerTaskId": "ServerTasks-999999999"},
        {"Filename": "x", "ServerTaskId": "nonsense"},
        {"Filename": "x" * 1001},
        {"Filename": "..", "ServerTaskId": "this"},
        {"Filename": ["x"], "ServerTaskId": "this"},
    ],
)
def test_what_cannot_be_is_refused(body: dict[str, Any]) -> None:
    scene, _ = running()
    if body.get("ServerTaskId") == "this":
        body = {**body, "ServerTaskId": scene.task.public_id}
    status, answer = send(make_ana(), "post", f"{S}/artifacts", body)
    assert status == 400
    assert answer["Errors"]
    assert not Artifact.objects.in_space(default_space()).exists()


def test_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    scene, _ = running()
    ana = make_ana()
    before = set(package_storage().spool_folder.glob("*"))
    monkeypatch.setattr(adding, "MOST_ADDED", 1)
    monkeypatch.setattr(api, "LARGEST", 10)
    made = add(ana, scene)[1]
    status, answer = add(ana, scene)
    assert status == 400
    assert answer["Errors"] == ["A task has at most 1 artifacts that were added to it."]
    large = put(ana, made["Id"], b"x" * 11)
    assert (large.status_code, large.json()["ErrorMessage"]) == (
        413,
        "The artifact is larger than 10 bytes.",
    )
    assert put(ana, made["Id"], b"").status_code == 400
    assert not StoredBlob.objects.exists()
    assert set(package_storage().spool_folder.glob("*")) == before


def test_who_may() -> None:
    """Ben, who deploys, adds one but replaces none; Cleo looks on; Dan sees nothing."""
    scene, _ = running()
    ben = make_ben(default_space(), scene.environment.public_id)
    cleo, dan = make_cleo(default_space()), make_dan(make_space())
    status, made = add(ben, scene)
    assert (status, made["Source"]) == (201, ben.user.username)
    assert [add(person, scene)[0] for person in (cleo, dan)] == [403, 404]
    assert [put(person, made["Id"], b"x").status_code for person in (cleo, dan)] == [403, 404]
    assert put(ben, made["Id"], b"x").status_code == 200
    assert put(ben, made["Id"], b"y").status_code == 403
    path = f"{S}/artifacts/{made['Id']}"
    names = {"Filename": "other.txt"}
    assert [send(person, "put", path, names)[0] for person in (ben, cleo, dan)] == [403, 403, 404]
    assert read(cleo, made["Id"]) == b"x"


def test_the_services_ask_again(tmp_path: Any) -> None:
    _, run = running()
    row = keep(run, b"x")
    (tmp_path / "file").write_bytes(b"y")
    file = hashed(tmp_path / "file")
    cleo = make_cleo(default_space())
    with pytest.raises(NotPermitted):
        store_content(actor=cleo.actor, artifact=row, file=file)
    with pytest.raises(Conflict):
        store_content(actor=make_ana().actor, artifact=row, file=file)


def test_one_that_was_never_sent_is_deleted() -> None:
    scene, _ = running()
    ana = make_ana()
    made = add(ana, scene)[1]
    assert send(ana, "delete", f"{S}/artifacts/{made['Id']}") == (200, {})
    assert not Artifact.objects.in_space(default_space()).exists()


def test_on_the_page_of_the_task() -> None:
    scene, _ = running()
    ana = Visitor(make_ana())
    task = f"tasks/{scene.task.public_id}"
    assert "Add artifact" in text_of(ana.get(task))
    assert "At most 5 GiB" in text_of(ana.get(f"{task}/artifacts/add"))
    report = SimpleUploadedFile("report.txt", b"all green")
    answer = ana.post(f"{task}/artifacts/add", {"file": report, "name": ""})
    assert answer["Location"].endswith(task)
    assert "report.txt 9 bytes, from ana" in text_of(ana.get(task)).replace("\xa0", " ").lower()
    as_script = {"X-Requested-With": "XMLHttpRequest"}
    named = {"file": SimpleUploadedFile("a.txt", b"x"), "name": "../sign-off.txt"}
    answer = ana.post(f"{task}/artifacts/add", named, headers=as_script)
    assert answer.json()["url"].endswith(task)
    row = Artifact.objects.in_space(default_space()).get(name="sign-off.txt")
    assert (row.size, row.execution) == (1, None)
    refused = ana.post(f"{task}/artifacts/add", {})
    assert (refused.status_code, "Choose a file." in text_of(refused)) == (400, True)
    answer = ana.post(f"{task}/artifacts/add", {}, headers=as_script)
    assert (answer.status_code, answer.json()) == (400, {"errors": ["Choose a file."]})


def test_who_may_add_on_the_page() -> None:
    scene, _ = running()
    space = default_space()
    task = f"tasks/{scene.task.public_id}"
    other = make_ben(space, "Environments-999999999")
    for person in (other, make_cleo(space), make_dan(make_space())):
        visitor = Visitor(person)
        page = visitor.get(task)
        assert page.status_code == 404 or "Add artifact" not in text_of(page)
        file = {"file": SimpleUploadedFile("a.txt", b"x")}
        assert visitor.post(f"{task}/artifacts/add", file).status_code in {403, 404}
    assert not Artifact.objects.in_space(space).filter(execution=None).exists()

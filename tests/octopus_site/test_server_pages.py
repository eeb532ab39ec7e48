"""Administration, Server: what is shown, to whom, and what stays a secret."""

import base64
import io
import json
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agent.version import VERSION
from deployments.access.services import save_mail_settings
from deployments.base.clock import utc_now
from deployments.base.models import ServerSetting
from deployments.server_tasks.models import ServerNode
from deployments.server_tasks.services import report_node
from octopus_site.server.licences import licences
from tests.deployments.calls import send
from tests.factories.people import (
    SYSTEM,
    Person,
    as_person,
    give_role,
    make_ana,
    make_cleo,
    make_user,
)
from tests.factories.spaces import default_space
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db
PAGE = "administration/server"
KEY = base64.b64encode(settings.OCTOPUS.master_key).decode()


@pytest.fixture
def logs() -> Iterator[Path]:
    """Give the folder in which `up` keeps the logs of its processes."""
    folder = Path(settings.OCTOPUS.data_dir) / "logs"
    folder.mkdir(exist_ok=True)
    yield folder
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


def make_node(name: str = "node-1", *, minutes_ago: int = 0) -> ServerNode:
    then = utc_now() - timedelta(minutes=minutes_ago)
    report_node(name, version=VERSION, started=then, clock=lambda: then)
    return ServerNode.objects.get(name=name)


def make_manager() -> Person:
    """Make somebody who configures the server and does not administer the system."""
    user = make_user()
    give_role(user, "userroles-systemmanager", None)
    give_role(user, "userroles-projectviewer", default_space())
    return as_person(user)


def test_nodes_are_drained_and_filled_again() -> None:
    visitor, node = Visitor(make_ana()), make_node()
    shown = text_of(visitor.get(PAGE))
    assert "node-1 Takes tasks 0 of 5" in shown
    path = f"{PAGE}/nodes/{node.public_id}"
    assert visitor.post(path, {"do": "drain"}).status_code == 302
    shown = text_of(visitor.get(PAGE))
    assert "node-1 takes no new tasks. What runs there goes on to its end." in shown
    assert "node-1 Drained, may be stopped 0 of 5" in shown
    visitor.post(path, {"do": "resume"})
    visitor.post(path, {"do": "cap", "task_cap": "12"})
    assert "node-1 Takes tasks 0 of 12" in text_of(visitor.get(PAGE))
    for wrong in ("0", "many", "", "99999999999999999999"):
        answer = visitor.post(path, {"do": "cap", "task_cap": wrong})
        assert answer.status_code == 400
        assert "The task cap must be a number from 1 to 10,000." in text_of(answer)


def test_a_node_that_is_gone_is_deleted() -> None:
    visitor = Visitor(make_ana())
    there, gone = make_node("there"), make_node("gone", minutes_ago=10)
    assert "gone Offline" in text_of(visitor.get(PAGE))
    refused = visitor.post(f"{PAGE}/nodes/{there.public_id}", {"do": "delete"})
    assert (refused.status_code, "there is running" in text_of(refused)) == (400, True)
    visitor.post(f"{PAGE}/nodes/{gone.public_id}", {"do": "delete"})
    assert [row.name for row in ServerNode.objects.all()] == ["there"]
    assert visitor.post(f"{PAGE}/nodes/{gone.public_id}", {"do": "delete"}).status_code == 404


def test_maintenance_is_switched_by_administrators_alone() -> None:
    ana, manager = Visitor(make_ana()), Visitor(make_manager())
    assert "Maintenance mode" not in text_of(manager.get(PAGE))
    switch = f"{PAGE}/maintenance"
    assert manager.post(switch, {"to": "on"}).status_code == 403
    assert ana.post(switch, {"to": "on", "reason": "x" * 301}).status_code == 400
    ana.post(switch, {"to": "on", "reason": "Until noon."})
    assert "anything now. Until noon." in manager.get(PAGE).content.decode()
    assert "End maintenance mode" in text_of(ana.get(PAGE))
    ana.post(switch, {"to": "off"})
    assert "Start maintenance mode" in text_of(ana.get(PAGE))


def test_what_the_server_says_of_itself() -> None:
    ana, manager = make_ana(), make_manager()
    status, facts = send(ana, "get", "/api/serverstatus/system-info")
    assert status == 200
    assert facts["Version"] == VERSION
    assert facts["Database"].startswith(("SQLite 3.", "PostgreSQL 1"))
    assert facts["WorkingSetBytes"] > 10_000_000
    assert facts["DatabaseBytes"] > 100_000
    assert facts["Disks"][0]["FreeBytes"] > 0
    assert send(manager, "get", "/api/serverstatus/system-info")[0] == 403
    zones = send(manager, "get", "/api/serverstatus/timezones")[1]
    assert {"Id": "Europe/Berlin", "Name": "Europe/Berlin", "IsLocal": False} in zones
    assert send(manager, "get", "/api/licenses/licenses-current-status")[1]["IsCompliant"] is True


def test_health_says_when_the_server_rests() -> None:
    ana = make_ana()
    path = "/api/serverstatus/health"
    status, health = send(ana, "get", path)
    assert (status, health["IsOperatingNormally"]) == (200, True)
    node = make_node()
    ServerNode.objects.filter(pk=node.pk).update(is_draining=True)
    status, health = send(ana, "get", path)
    assert (status, health["IsEntireClusterDrainingTasks"]) == (418, True)
    assert health["Description"] == "The server works. All of its nodes are drained."
    make_node("node-2")
    send(ana, "put", "/api/maintenanceconfiguration", {"IsInMaintenanceMode": True})
    status, health = send(ana, "get", path)
    assert (status, health["IsEntireClusterReadOnly"]) == (418, True)
    assert health["IsEntireClusterDrainingTasks"] is False


def test_logs_are_shown_without_the_secrets_of_the_settings(logs: Path) -> None:
    (logs / "web.log").write_text(f"first <b>line</b>\nthe key is {KEY}, alas\nlast line\n")
    (logs / "worker.log").write_text("")
    visitor = Visitor(make_ana())
    shown = visitor.get(f"{PAGE}/log")
    text = shown.content.decode()
    assert "first &lt;b&gt;line&lt;/b&gt;" in text
    assert "the key is ********, alas" in text
    found = text_of(visitor.get(f"{PAGE}/log", {"log": "web", "q": "LAST"}))
    assert "last line" in found
    assert "first" not in found
    assert "has had nothing to say" in text_of(visitor.get(f"{PAGE}/log", {"log": "worker"}))
    for wrong in ("../octopus", "none", "web.log"):
        assert visitor.get(f"{PAGE}/log", {"log": wrong}).status_code == 404
    assert Visitor(make_manager()).get(f"{PAGE}/log").status_code == 403


def test_a_long_log_is_cut_at_a_line(logs: Path) -> None:
    lines = [f"line {number:06}" for number in range(30_000)]
    (logs / "web.log").write_text("\n".join(lines))
    text = Visitor(make_ana()).get(f"{PAGE}/log").content.decode()
    shown = [line for line in text.splitlines() if line.startswith("line ")]
    assert shown == lines[-1000:-1] or shown == lines[-999:]
    assert "earlier lines are not shown" in text


def test_a_server_without_logs_of_its_own_says_where_they_are() -> None:
    assert "journalctl" in text_of(Visitor(make_ana()).get(f"{PAGE}/log"))


def test_the_report_has_what_helps_and_no_secret(logs: Path) -> None:
    save_mail_settings(
        actor=SYSTEM,
        host="mail.internal.example",
        port=25,
        sender="octopus@example.org",
        password="battery staple",
    )
    ServerSetting.objects.create(key="other.secret", value={"sealed": "AAAA"})
    (logs / "web.log").write_text(f"leaked {KEY}\n")
    make_node()
    answer = Visitor(make_ana()).get(f"{PAGE}/report")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="system-report-')
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert json.loads(texts["information.json"])["version"] == VERSION
    assert json.loads(texts["nodes.json"])[0]["name"] == "node-1"
    assert any(name.startswith("Django ") for name in json.loads(texts["packages.json"]))
    assert texts["logs/web.log"] == "leaked ********"
    everything = "\n".join(texts.values())
    for secret in (KEY, settings.SECRET_KEY, "battery staple", "mail.internal", "AAAA", '"sealed"'):
        assert secret not in everything
    assert send(make_cleo(default_space()), "get", "/api/serverstatus/system-report")[0] == 403


def test_every_package_of_the_server_has_a_licence() -> None:
    found = {each.name.lower(): each for each in licences()}
    assert found["django"].licence == "BSD-3-Clause"
    assert found["celery"].home.startswith("https://")
    assert {"kombu", "psycopg", "octopus-deployment-server"} <= set(found)
    assert "pytest" not in found  # what only developers use
    assert [name for name, each in found.items() if each.licence == "not said"] == []
    visitor = Visitor(make_manager())
    shown = text_of(visitor.get(f"{PAGE}/licences", {"q": "django"}))
    assert "BSD-3-Clause" in shown
    assert "kombu" not in shown
    assert "No package fits" in text_of(visitor.get(f"{PAGE}/licences", {"q": "zzz"}))
    status, listed = send(make_manager(), "get", "/api/serverstatus/licences")
    assert status == 200
    own = found["django"]
    told = {"Name": own.name, "Version": own.version, "License": own.licence, "Url": own.home}
    assert told in listed
    assert len(listed) == len(found)


def test_more_nodes_cost_no_more_queries() -> None:
    visitor = Visitor(make_ana())
    visitor.get(PAGE)
    with CaptureQueriesContext(connection) as few:
        visitor.get(PAGE)
    for number in range(5):
        make_node(f"node-{number}")
    with CaptureQueriesContext(connection) as many:
        visitor.get(PAGE)
    assert len(many) == len(few)


def test_new_nodes_begin_with_the_task_cap_of_the_page(logs: Path) -> None:
    visitor = Visitor(make_ana())
    for wrong in ("0", "many", "10001"):
        refused = visitor.post(f"{PAGE}/default-cap", {"default_cap": wrong})
        assert refused.status_code == 400
        assert "a number from 1 to 10,000" in text_of(refused)
    assert visitor.post(f"{PAGE}/default-cap", {"default_cap": "12"}).status_code == 302
    assert 'name="default_cap" value="12"' in visitor.get(PAGE).content.decode()
    report_node("another", version=VERSION, started=utc_now())
    assert ServerNode.objects.get(name="another").task_cap == 12
    assert Visitor(make_cleo(default_space())).post(f"{PAGE}/default-cap").status_code == 403


def test_logs_by_rest(logs: Path) -> None:
    (logs / "web.log").write_text(f"first\nthe key is {KEY}\n", encoding="utf-8")
    ana = make_ana()
    expected = [{"Name": "web", "Lines": ["first", "the key is ********"]}]
    assert send(ana, "get", "/api/serverstatus/logs") == (200, expected)
    assert send(ana, "get", "/api/serverstatus/logs?name=web") == (200, expected)
    assert send(ana, "get", "/api/serverstatus/logs?name=../x")[0] == 404
    assert send(make_cleo(default_space()), "get", "/api/serverstatus/logs")[0] == 403

"""The step HTTP Request: against a real server, and what it refuses."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.conf import settings

from deployments.base.outgoing import HttpRequest, send
from deployments.base.outgoing.addresses import Refused, addresses_of, refusal
from deployments.base.settings_rows import set_setting
from deployments.execution.logs.queries import all_lines
from deployments.execution.models import OutputVariable
from deployments.execution.services.server_actions import run_server_action
from deployments.execution.steps import find_step_type
from deployments.execution.variables import Variables
from deployments.server_tasks.states import TaskState
from octopus_site.conf import ConfigurationError, read_configuration
from tests.factories.execution import Scene, make_scene
from tests.factories.spaces import default_space
from tests.support.environment import MASTER_KEY

HTTP = "Octopus.Action.HttpRequest"


class Service:
    """What a server answers, one entry for each request, the last one again and again."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str], bytes]] = [(200, {}, b"ok")]
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        self.url = ""


@contextmanager
def open_service() -> Iterator[Service]:
    service = Service()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            service.seen.append((self.command, self.path, dict(self.headers), body))
            answers = service.answers
            status, headers, content = answers.pop(0) if len(answers) > 1 else answers[0]
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        # The names that http.server calls.
        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

        def log_message(self, *arguments: object) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service.url = f"http://localhost:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def service() -> Iterator[Service]:
    with open_service() as opened:
        yield opened


def http_step(**properties: str) -> dict[str, Any]:
    values: dict[str, Any] = {f"{HTTP}.{name}": text for name, text in properties.items()}
    action = {"Name": "Call", "ActionType": "Octopus.HttpRequest", "Properties": values}
    return {"Name": "Call", "Actions": [action]}


def call(*, allow_loopback: bool = True, **properties: str) -> Scene:
    """Carry out a deployment of this step alone."""
    if allow_loopback:
        set_setting("http_request.allow_loopback", value=True)
    scene = make_scene(http_step(**properties))
    (row,) = scene.rows()
    run_server_action(row.pk)
    scene.advance()
    return scene


def log_of(scene: Scene) -> str:
    return "\n".join(line.text for line in all_lines(scene.rows()[0]))


def outputs_of(scene: Scene) -> dict[str, str]:
    rows = OutputVariable.objects.in_space(default_space()).filter(task=scene.task)
    return dict(rows.values_list("name", "value"))


@pytest.mark.django_db
def test_a_right_answer_becomes_output_variables(service: Service) -> None:
    service.answers = [(201, {}, b'{"id": 7}')]
    scene = call(
        Url=service.url + "/releases?v=#{Octopus.Release.Number}",
        Method="POST",
        Headers="Content-Type: application/json\nX-From: #{Octopus.Environment.Name}",
        Body='{"name": "#{Octopus.Project.Name}"}',
    )
    assert scene.state() == TaskState.SUCCESS
    method, path, headers, body = service.seen[0]
    assert (method, path) == ("POST", f"/releases?v={scene.deployment.release.version}")
    assert headers["X-From"] == scene.environment.name
    assert headers["Host"] == service.url.removeprefix("http://")
    assert scene.deployment.project.name.encode() in body
    assert outputs_of(scene) == {"StatusCode": "201", "Body": '{"id": 7}'}
    assert f"POST {service.url}/releases" in log_of(scene)


@pytest.mark.django_db
def test_it_asks_again_until_the_answer_is_right(service: Service) -> None:
    service.answers = [(503, {}, b"starting"), (200, {}, b"starting"), (200, {}, b"all is ready")]
    scene = call(Url=service.url, ExpectedText="is ready", PauseSeconds="0.01")
    assert scene.state() == TaskState.SUCCESS
    assert len(service.seen) == 3
    assert "503 after" in log_of(scene)


@pytest.mark.django_db
def test_a_wrong_answer_fails_and_says_what_was_wrong(service: Service) -> None:
    service.answers = [(404, {}, b"nothing here")]
    scene = call(Url=service.url, TimeoutSeconds="0.05", PauseSeconds="0.02")
    assert scene.state() == TaskState.FAILED
    error = scene.rows()[0].error_message
    assert error == "No right answer within 0.05 s: the status is 404."
    assert outputs_of(scene)["StatusCode"] == "404"
    nobody = call(Url="http://localhost:1", TimeoutSeconds="0")
    assert "ConnectionRefusedError" in nobody.rows()[0].error_message


@pytest.mark.django_db
def test_secrets_stay_out_of_log_error_and_output(service: Service) -> None:
    service.answers = [(500, {}, b"you sent battery staple")]
    step = http_step(
        Url=f"{service.url}/?key=battery staple".replace(" ", "%20"),
        Username="ana",
        TimeoutSeconds="0",
    )
    properties = step["Actions"][0]["Properties"]
    properties[f"{HTTP}.Password"] = {"HasValue": True, "NewValue": "battery staple"}
    set_setting("http_request.allow_loopback", value=True)
    scene = make_scene(step)
    (row,) = scene.rows()
    run_server_action(row.pk)
    scene.advance()
    assert service.seen[0][2]["Authorization"] == "Basic YW5hOmJhdHRlcnkgc3RhcGxl"
    text = log_of(scene) + scene.rows()[0].error_message + str(outputs_of(scene))
    assert "battery" not in text
    assert "********" in text


@pytest.mark.django_db
def test_this_server_is_no_target_unless_it_is_allowed(service: Service) -> None:
    scene = call(allow_loopback=False, Url=service.url)
    assert scene.state() == TaskState.FAILED
    assert "which is this server itself" in scene.rows()[0].error_message
    assert not service.seen


def test_redirects_are_followed_and_checked(service: Service) -> None:
    with open_service() as other:
        other.answers = [(200, {}, b"there")]
        service.answers = [(302, {"Location": f"{other.url}/x"}, b"")]
        request = HttpRequest(
            "POST", service.url, {"Authorization": "Basic eA=="}, b"body", allow_loopback=True
        )
        assert send(request, 5).body == b"there"
        method, path, headers, body = other.seen[0]
        assert (method, path, body) == ("GET", "/x", b"")
        # Credentials are not for another host.
        assert "Authorization" not in headers
    service.answers = [(302, {"Location": "http://169.254.169.254/latest/meta-data"}, b"")]
    with pytest.raises(Refused, match="link-local"):
        send(HttpRequest("GET", service.url, allow_loopback=True), 5)
    service.answers = [(302, {"Location": "/again"}, b"")]
    with pytest.raises(Refused, match="redirects"):
        send(HttpRequest("GET", service.url, allow_loopback=True), 5)
    service.answers = [(302, {"Location": "/again"}, b"")]
    kept = send(HttpRequest("GET", service.url, follow=False, allow_loopback=True), 5)
    assert kept.status == 302


@pytest.mark.parametrize(
    ("address", "is_refused"),
    [
        ("10.1.2.3", False),
        ("192.168.0.1", False),
        ("93.184.216.34", False),
        ("fd00::1", False),
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("0.0.0.0", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("2002:7f00:1::", True),
        ("169.254.169.254", True),
        ("fe80::1%eth0", True),
        ("::ffff:169.254.169.254", True),
        ("224.0.0.1", True),
        ("240.0.0.1", True),
        ("0.1.2.3", True),
        ("::127.0.0.1", True),
        ("64:ff9b::7f00:1", True),
        ("64:ff9b::a9fe:a9fe", True),
        ("2001:0:4136:e378:8000:63bf:80ff:fffe", True),
        ("fd00:ec2::254", True),
        ("100.100.100.200", True),
        ("64:ff9b::5db8:d822", False),
    ],
)
def test_addresses(address: str, is_refused: bool) -> None:
    assert bool(refusal(address, allow_loopback=False)) is is_refused


@pytest.mark.parametrize(
    ("address", "networks", "is_refused"),
    [
        ("10.1.2.3", None, False),
        ("10.1.2.3", "10.1.0.0/16", False),
        ("10.2.2.3", "10.1.0.0/16", True),
        ("::ffff:10.1.2.3", "10.1.0.0/16", False),
        ("::ffff:10.2.2.3", "10.1.0.0/16", True),
        ("192.168.1.1", "10.0.0.0/8, 192.168.1.0/24", False),
        ("fd12::1", "10.0.0.0/8 fd12::/16", False),
        ("fd13::1", "fd12::/16", True),
        ("100.64.0.1", "none", True),
        ("172.16.0.1", "none", True),
        ("93.184.216.34", "none", False),
        ("64:ff9b::5db8:d822", "none", False),
        ("127.0.0.1", "127.0.0.0/8", True),
        ("169.254.169.254", "169.254.0.0/16", True),
    ],
)
def test_private_networks(
    address: str, networks: str | None, is_refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {"OCTOPUS_MASTER_KEY": MASTER_KEY, "OCTOPUS_PRIVATE_NETWORKS": networks or ""}
    monkeypatch.setattr(settings, "OCTOPUS", read_configuration(environment))
    try:
        found = addresses_of(address, 80, allow_loopback=False)
    except Refused:
        found = []
    assert (found == []) is is_refused


@pytest.mark.parametrize("text", ["10.1.2.3/8", "office", "10.0.0.0/8;11.0.0.0/8"])
def test_networks_that_cannot_be_read_end_the_server_at_once(text: str) -> None:
    environment = {"OCTOPUS_MASTER_KEY": MASTER_KEY, "OCTOPUS_PRIVATE_NETWORKS": text}
    with pytest.raises(ConfigurationError, match="OCTOPUS_PRIVATE_NETWORKS must be all, none, or"):
        read_configuration(environment)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "must begin with"),
        ({"Url": "file:///etc/passwd"}, "must begin with"),
        ({"Url": "http://a", "Method": "TRACE"}, "TRACE"),
        ({"Url": "http://a", "Headers": "no colon"}, "Name: value"),
        ({"Url": "http://a", "Headers": "Bad Name: x"}, "Name: value"),
        ({"Url": "http://a", "ExpectedCodes": "20x"}, "20x"),
        ({"Url": "http://a", "TimeoutSeconds": "901"}, "time limit"),
        ({"Url": "http://a", "PauseSeconds": "soon"}, "pause"),
        ({"Url": "http://a", "PauseSeconds": "nan"}, "pause"),
        ({"Url": "https://a", "ExpectedCodes": "200, 404-410"}, ""),
    ],
)
def test_what_cannot_be_sent_says_why(given: dict[str, str], words: str) -> None:
    step = find_step_type("Octopus.HttpRequest")
    assert step is not None
    values = Variables()
    values.update({f"{HTTP}.{name}": text for name, text in given.items()})
    reason = step.check(values)
    assert words in reason
    assert bool(words) is bool(reason)

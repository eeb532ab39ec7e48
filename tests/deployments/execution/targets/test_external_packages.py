"""Packages of external feeds on their way to targets: fetched first, then as any other."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from django.test import Client

from deployments.base.settings_rows import set_setting
from deployments.execution.logs.queries import task_lines
from deployments.infrastructure.models import Agent
from deployments.server_tasks.services import cancel_task
from deployments.server_tasks.states import TaskState
from packages_feed.models import FetchedPackage
from packages_feed.services.external_feeds import FeedValues, create_feed
from packages_feed.services.fetching import ATTEMPTS, fetch_package
from tests.factories.domain import make_package, package_step
from tests.factories.execution import Scene, make_scene
from tests.factories.packages import zip_of
from tests.factories.people import SYSTEM
from tests.factories.spaces import default_space
from tests.packages_feed.sources.servers import serving

pytestmark = pytest.mark.django_db

JAR = zip_of({"a.txt": b"1"})
SHA256 = hashlib.sha256(JAR).hexdigest()
METADATA = b"<metadata><versions><version>1.0</version></versions></metadata>"


@pytest.fixture
def content() -> dict[str, bytes]:
    return {
        "/com/acme/web/maven-metadata.xml": METADATA,
        "/com/acme/web/1.0/web-1.0.jar": JAR,
        "/v2/acme/web/tags/list?n=1000": b'{"tags": ["1.0.0"]}',
    }


@pytest.fixture
def address(content: dict[str, bytes]) -> Iterator[str]:
    def answer(path: str, headers: Mapping[str, str]) -> Any:
        if path not in content:
            return 404, {}, b""
        return (200, {}, content[path]) if content[path] else (500, {}, b"")

    set_setting("http_request.allow_loopback", value=True)
    with serving(answer) as served:
        yield served.url


def of_feed(kind: str, address: str, package_id: str) -> dict[str, Any]:
    """Return a step that takes the package from a new feed of the kind."""
    feed = create_feed(
        actor=SYSTEM,
        space=default_space(),
        feed_type=kind,
        values=FeedValues("Elsewhere", address),
    )
    step = package_step(package_id)
    step["Actions"][0]["Packages"][0]["FeedId"] = feed.public_id
    return step


def fetch(scene: Scene) -> FetchedPackage:
    row = FetchedPackage.objects.get()
    fetch_package(row.pk, clock=scene.clock)
    row.refresh_from_db()
    return row


def test_the_plan_waits_for_the_package_and_agents_get_it_by_its_hash(address: str) -> None:
    make_package("com.acme.web", "1.0")
    scene = make_scene(of_feed("Maven", address, "com.acme:web"))
    assert (scene.state(), scene.runs()) == (TaskState.EXECUTING, [])
    scene.advance()
    texts = [line.text for line in task_lines(scene.task)]
    assert texts.count("Fetching com.acme:web 1.0 from its feed.") == 1
    fetch(scene)
    scene.advance()
    [run] = scene.runs()
    assert run.header["packages"] == [SHA256]
    agent = Agent.objects.in_space(default_space()).get()
    agent.credential_sha256 = hashlib.sha256(b"credential").hexdigest()
    agent.save()
    headers = {"Authorization": "Bearer credential"}
    answer = Client().get(f"/agent/v1/packages/{SHA256}", headers=headers)
    assert b"".join(answer.streaming_content) == JAR  # type: ignore[attr-defined]  # it streams
    scene.run_to_end()
    assert scene.state() == TaskState.SUCCESS


def test_what_cannot_be_fetched_fails_with_the_reason(
    address: str, content: dict[str, bytes]
) -> None:
    content["/com/acme/web/1.0/web-1.0.jar"] = b""
    scene = make_scene(of_feed("Maven", address, "com.acme:web"))
    for _ in range(ATTEMPTS):
        row = fetch(scene)
        scene.advance()
        assert bool(row.given_up) == (row.attempts == ATTEMPTS)
        scene.clock.forward(60)
    assert scene.state() == TaskState.FAILED
    reasons = " ".join(row.error_message for row in scene.rows())
    assert "could not be fetched from the feed 'Elsewhere'" in reasons
    assert "status 500" in reasons


def test_a_deployment_that_waits_for_packages_can_be_canceled(address: str) -> None:
    scene = make_scene(of_feed("Maven", address, "com.acme:web"))
    cancel_task(actor=SYSTEM, task=scene.task)
    scene.advance()
    assert scene.state() == TaskState.CANCELED


def test_images_are_left_to_targets(address: str) -> None:
    step = of_feed("Docker", address, "acme/web")
    step["Actions"][0]["Packages"][0]["AcquisitionLocation"] = "NotAcquired"
    scene = make_scene(step)
    [run] = scene.runs()
    variables = scene.variables(run)
    assert variables["Octopus.Action.Package.PackageId"] == "acme/web"
    assert variables["Octopus.Action.Package.PackageVersion"] == "1.0.0"
    assert (run.header["packages"], FetchedPackage.objects.count()) == ([], 0)

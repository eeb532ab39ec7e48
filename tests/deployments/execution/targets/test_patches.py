"""Agents ask for patches of the packages that their own commands need, and for no others."""

import hashlib
import io
import json
from typing import Any

import pytest
from django.test import Client

from agent.patches import apply_patch, deflate_mark, gzip_mark
from agent.runtime.packages.patching import capabilities
from agent.runtime.packages.zstd import find_zstd
from deployments.infrastructure.models import Agent
from packages_feed.models import PackagePatch
from packages_feed.services import store_package
from packages_feed.services.patches import make_wanted_patch
from tests.factories.archives import application, by_gzip, tar_bytes, zip_bytes
from tests.factories.domain import package_step
from tests.factories.execution import Scene, make_scene
from tests.factories.people import SYSTEM
from tests.factories.spaces import default_space

pytestmark = pytest.mark.django_db

OLD = zip_bytes(application(1))
NEW = zip_bytes(application(2), year=2021)
OLD_SHA, NEW_SHA = (hashlib.sha256(content).hexdigest() for content in (OLD, NEW))
HEADERS = {"Authorization": "Bearer credential"}


@pytest.fixture
def scene() -> Scene:
    """A deployment whose agent needs version 2 of the package; version 1 is stored too."""
    for number, data in enumerate((OLD, NEW), 1):
        store_package(
            actor=SYSTEM,
            space=default_space(),
            file=io.BytesIO(data),
            file_name=f"Acme.Web.{number}.0.0.zip",
        )
    made = make_scene(package_step("Acme.Web"))
    say(*capabilities())
    return made


def say(*capabilities: str) -> None:
    """Let the agent have said this of itself."""
    agent = Agent.objects.in_space(default_space()).get()
    agent.credential_sha256 = hashlib.sha256(b"credential").hexdigest()
    agent.capabilities = {"capabilities": list(capabilities)}
    agent.save()


def ask(sha256: str = NEW_SHA, headers: dict[str, str] = HEADERS, **body: Any) -> Any:
    return Client(enforce_csrf_checks=True).post(
        f"/agent/v1/packages/{sha256}/patch",
        json.dumps({"have": [OLD_SHA], **body}),
        content_type="application/json",
        headers=headers,
    )


def make(form: str, **body: Any) -> dict[str, Any]:
    """Ask until the patch is made and return the offer."""
    assert (ask(**body).status_code, ask(**body).json()) == (202, {"coming": True})
    make_wanted_patch(PackagePatch.objects.get(form=form).pk)
    answer = ask(**body)
    assert answer.status_code == 200
    offer: dict[str, Any] = answer.json()
    return offer


def get(path: str, **headers: str) -> Any:
    return Client().get(f"/agent/v1/packages/{path}", headers={**HEADERS, **headers})


def test_the_patch_is_made_offered_and_fetched_in_ranges(scene: Scene) -> None:
    offer = make("zstd")
    assert (offer["base"], offer["form"]) == (OLD_SHA, "zstd")
    whole = get(f"{NEW_SHA}/patches/{offer['patch']}")
    patch = b"".join(whole.streaming_content)
    assert whole.headers["ETag"] == f'"{offer["patch"]}"'
    assert hashlib.sha256(patch).hexdigest() == offer["patch"]
    rest = get(
        f"{NEW_SHA}/patches/{offer['patch']}",
        Range="bytes=1000-",
        **{"If-Range": whole.headers["ETag"]},
    )
    assert (rest.status_code, b"".join(rest.streaming_content)) == (206, patch[1000:])
    target = io.BytesIO()
    apply_patch(io.BytesIO(patch), io.BytesIO(OLD), target, size=len(NEW), zstd=find_zstd())
    assert target.getvalue() == NEW


@pytest.mark.parametrize(
    ("said", "form"),
    [
        (("script",), None),
        (("patch:files",), "files"),
        (("patch:files", "patch:zstd"), "files"),
        (("patch:files", "patch:zstd", "deflate:0000000000000000"), "files"),
        (("patch:zstd", f"deflate:{deflate_mark()}"), "zstd"),
    ],
)
def test_what_the_agent_said_decides_the_form(
    scene: Scene, said: tuple[str, ...], form: str | None
) -> None:
    say(*said)
    if form is None:
        assert ask().status_code == 204
    else:
        assert make(form)["form"] == form


@pytest.mark.parametrize("mark", [gzip_mark(), "0000000000000000", None])
def test_what_gzip_packed_needs_an_agent_whose_gzip_does_alike(mark: str | None) -> None:
    tars = [by_gzip(tar_bytes(application(version))) for version in (1, 2)]
    old, new = (hashlib.sha256(each).hexdigest() for each in tars)
    for number, data in enumerate(tars, 1):
        store_package(
            actor=SYSTEM,
            space=default_space(),
            file=io.BytesIO(data),
            file_name=f"Acme.Tar.{number}.0.0.tar.gz",
        )
    make_scene(package_step("Acme.Tar"))
    said = ["patch:zstd", "patch:files", f"deflate:{deflate_mark()}"]
    say(*said, *([f"gzip:{mark}"] if mark else []))
    assert ask(new, have=[old]).status_code == 202
    row = PackagePatch.objects.get(target=new)
    make_wanted_patch(row.pk)
    answer = ask(new, have=[old])
    if mark != gzip_mark():
        assert (row.form, answer.status_code) == ("zstd", 204)
        return
    assert (row.form, answer.status_code, answer.json()["form"]) == ("zstd+gzip", 200, "zstd")
    patch = b"".join(get(f"{new}/patches/{answer.json()['patch']}").streaming_content)
    target = io.BytesIO()
    apply_patch(io.BytesIO(patch), io.BytesIO(tars[0]), target, size=len(tars[1]), zstd=find_zstd())
    assert target.getvalue() == tars[1]


def test_what_the_agent_finds_later_counts_too(scene: Scene) -> None:
    assert ask(forms=[]).status_code == 204
    assert make("files", forms=["files"])["form"] == "files"
    assert make("zstd", forms=["files", "zstd", "later"])["form"] == "zstd"
    for wrong in ("files", [1], None):
        assert ask(forms=wrong).status_code == 400


def test_only_for_its_own_unfinished_commands(scene: Scene) -> None:
    offer = make("zstd")
    path = f"{NEW_SHA}/patches/{offer['patch']}"
    assert ask(OLD_SHA).status_code == 404
    assert ask(headers={"Authorization": "Bearer other"}).status_code == 401
    assert get(path, Authorization="Bearer other").status_code == 401
    assert get(f"{NEW_SHA}/patches/{'0' * 64}").status_code == 404
    assert get(f"{NEW_SHA}/patches/{OLD_SHA}").status_code == 404
    assert get(f"{NEW_SHA}/patch").status_code == 405
    scene.run_to_end()
    assert (ask().status_code, get(path).status_code) == (404, 404)


@pytest.mark.parametrize(
    "body",
    [
        {"have": "x"},
        {"have": ["x"]},
        {"have": [1]},
        {"have": ["0" * 64] * 501},
        {"refused": [OLD_SHA.upper()]},
        {"refused": None},
    ],
)
def test_bad_questions_are_refused(scene: Scene, body: dict[str, Any]) -> None:
    answer = ask(**body)
    assert answer.status_code == 400
    assert "SHA-256" in str(answer.json())
    for content in (b"[]", b"{", b" " * 70_000):
        wrong = Client().post(
            f"/agent/v1/packages/{NEW_SHA}/patch",
            content,
            content_type="application/json",
            headers=HEADERS,
        )
        assert wrong.status_code == 400


def test_nothing_to_patch_is_told_at_once(scene: Scene) -> None:
    assert ask(have=[]).status_code == 204
    assert ask(have=["0" * 64, NEW_SHA]).status_code == 204
    assert not PackagePatch.objects.exists()

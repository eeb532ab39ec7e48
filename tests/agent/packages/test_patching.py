"""A newer package comes as a patch of an older one, and whatever fails, it comes whole."""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.contracts import limits
from agent.contracts.messages import Hello
from agent.runtime.http import Endpoint
from agent.runtime.packages import patching
from agent.runtime.packages.cache import PackageCache
from agent.runtime.packages.patching import Arrival
from packages_feed.patches import FILES, ZSTD, Archive, make_patch
from tests.agent.daemon.gateway import Daemon, Gateway, names_in, script
from tests.agent.daemon.web import Web, open_web
from tests.factories.archives import application, zip_bytes

OLD = zip_bytes(application(1))
NEW = zip_bytes(application(2), year=2021)
OLD_SHA, NEW_SHA = (hashlib.sha256(content).hexdigest() for content in (OLD, NEW))
PACKAGE = {"sha256": NEW_SHA, "size": len(NEW), "package_id": "Acme", "version": "2.0.0"}


def patch_of(folder: Path, form: str = ZSTD, new: bytes = NEW) -> bytes:
    (folder / "old.zip").write_bytes(OLD)
    (folder / "new.zip").write_bytes(new)
    with (
        Archive(folder / "old.zip", ".zip") as old,
        Archive(folder / "new.zip", ".zip") as made,
        (folder / "patch").open("w+b") as file,
    ):
        make_patch(old, made, file, form)
        file.seek(0)
        return file.read()


class Scene:
    """A server that offers a patch, and a cache that has the older package."""

    def __init__(self, web: Web, folder: Path) -> None:
        self.web = web
        self.cache = folder / "packages"
        self.cache.mkdir()
        (self.cache / OLD_SHA).write_bytes(OLD)
        web.blobs[NEW_SHA] = NEW
        self.patch = patch_of(folder)
        self.sha256 = self.offer(self.patch)

    def offer(self, patch: bytes, *, form: str = ZSTD, before: tuple[Any, ...] = ()) -> str:
        """Offer a patch after other answers; return its SHA-256."""
        sha256 = self.web.add(patch)
        answer = {"base": OLD_SHA, "patch": sha256, "size": len(patch), "form": form}
        self.web.offers[NEW_SHA] = [*before, (200, answer)]
        return sha256

    async def ensure(self, **options: Any) -> Arrival:
        cache = PackageCache(self.cache, Endpoint(url=self.web.url), "secret", **options)
        arrival = await cache.ensure(PACKAGE)
        assert (self.cache / NEW_SHA).read_bytes() == NEW
        assert names_in(self.cache) <= {OLD_SHA, NEW_SHA}
        return arrival

    def asked(self) -> list[dict[str, Any]]:
        """Return the bodies of the requests for a patch."""
        return [json.loads(body) for method, _, _, body in self.web.requests if method == "POST"]

    def fetched(self) -> list[str]:
        """Return what was downloaded, in order."""
        return [
            path.rsplit("/", 1)[1] for method, path, _, _ in self.web.requests if method == "GET"
        ]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with open_web() as web:
        yield Scene(web, tmp_path)


@pytest.fixture
def whole() -> Arrival:
    return Arrival("whole", len(NEW))


async def test_only_the_patch_is_sent(scene: Scene) -> None:
    assert await scene.ensure() == Arrival("zstd", len(scene.patch), OLD_SHA)
    assert scene.asked() == [{"have": [OLD_SHA], "refused": []}]
    assert scene.fetched() == [scene.sha256]
    assert len(scene.patch) < len(NEW) * 0.06
    assert await scene.ensure() == Arrival("kept")


async def test_a_patch_that_is_being_made_is_waited_for(scene: Scene) -> None:
    scene.offer(scene.patch, before=((202, {"coming": True}),) * 2)
    assert (await scene.ensure()).way == "zstd"
    assert len(scene.asked()) == 3


async def test_but_not_for_ever(
    scene: Scene, whole: Arrival, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PATCH_PATIENCE", 0.5)
    scene.web.offers[NEW_SHA] = [(202, {"coming": True})]
    assert await scene.ensure() == whole


@pytest.mark.parametrize("cut", [1, 1000])
async def test_a_line_that_is_cut_within_the_patch_goes_on_there(scene: Scene, cut: int) -> None:
    scene.web.cut_after = cut
    assert (await scene.ensure()).way == "zstd"
    assert scene.web.ranges()[-2:] == ["", f"bytes={cut}-"]
    assert scene.fetched() == [scene.sha256] * 2


async def test_a_damaged_patch_is_told_and_the_package_comes_whole(
    scene: Scene, whole: Arrival
) -> None:
    scene.web.offers[NEW_SHA].append((204, None))
    scene.web.blobs[scene.sha256] = scene.patch[:-1] + b"?"
    assert await scene.ensure() == whole
    assert [each["refused"] for each in scene.asked()] == [[], [scene.sha256]]


async def test_a_damaged_base_is_noticed(scene: Scene, whole: Arrival) -> None:
    (scene.cache / OLD_SHA).write_bytes(OLD[:-1] + b"?")
    assert await scene.ensure() == whole
    assert names_in(scene.cache) == {NEW_SHA}


async def test_a_patch_that_makes_something_else_is_never_used(
    scene: Scene, tmp_path: Path, whole: Arrival
) -> None:
    other = zip_bytes(application(3), year=2021)
    for patch in (patch_of(tmp_path, new=other), b"no patch", scene.patch[:-20], b""):
        scene.offer(patch)
        assert await scene.ensure() == whole
        (scene.cache / NEW_SHA).unlink()


async def test_the_server_is_told_of_such_a_patch_and_may_have_a_better_one(
    scene: Scene, tmp_path: Path
) -> None:
    other = zip_bytes(application(3), year=2021)
    wrong = scene.offer(patch_of(tmp_path, new=other))
    answer = scene.web.offers[NEW_SHA][0]
    scene.offer(scene.patch, before=(answer, (202, {"coming": True})))
    assert await scene.ensure() == Arrival("zstd", len(scene.patch), OLD_SHA)
    assert [each["refused"] for each in scene.asked()] == [[], [wrong], [wrong]]
    assert scene.fetched() == [wrong, scene.sha256]


@pytest.mark.parametrize(
    "answer",
    [
        (404, {}),
        (204, None),
        (500, {}),
        (200, []),
        (200, {"base": "1" * 64, "patch": "2" * 64}),
        (200, {"base": OLD_SHA, "patch": "../x", "size": "?"}),
    ],
)
async def test_a_server_that_offers_nothing_usable_sends_it_whole(
    scene: Scene, whole: Arrival, answer: tuple[int, Any]
) -> None:
    scene.web.offers[NEW_SHA] = [answer]
    assert await scene.ensure() == whole


async def test_a_patch_that_is_not_kept_any_more_is_done_without(
    scene: Scene, whole: Arrival
) -> None:
    del scene.web.blobs[scene.sha256]
    assert await scene.ensure() == whole


async def test_an_empty_cache_and_a_fresh_package_ask_for_no_patch(
    scene: Scene, whole: Arrival
) -> None:
    cache = PackageCache(scene.cache, Endpoint(url=scene.web.url), "secret")
    assert await cache.ensure({**PACKAGE, "fresh": True}) == whole
    for name in (OLD_SHA, NEW_SHA):
        (scene.cache / name).unlink()
    assert await scene.ensure() == whole
    assert scene.asked() == []


async def test_without_zstd_the_changed_files_come(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patching, "find_zstd", lambda: None)
    monkeypatch.setattr(patching, "seems_here", lambda: False)
    assert [each.partition(":")[0] for each in patching.capabilities()] == [
        "patch",
        "deflate",
        "gzip",
    ]
    patch = patch_of(tmp_path, FILES)
    scene.offer(patch, form=FILES)
    assert await scene.ensure() == Arrival("files", len(patch), OLD_SHA)
    assert len(patch) < len(NEW) * 0.3


async def test_when_what_was_announced_cannot_be_loaded_the_server_is_told(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "patch:zstd" in patching.capabilities()
    monkeypatch.setattr(patching, "find_zstd", lambda: None)
    patch = patch_of(tmp_path, FILES)
    scene.offer(patch, form=FILES)
    assert await scene.ensure() == Arrival("files", len(patch), OLD_SHA)
    assert scene.asked() == [{"have": [OLD_SHA], "refused": [], "forms": ["files"]}]


async def test_a_server_that_offers_zstd_all_the_same_sends_the_whole(
    scene: Scene, whole: Arrival, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patching, "find_zstd", lambda: None)
    assert await scene.ensure() == whole


async def test_applying_ends_when_it_takes_too_long(
    scene: Scene, whole: Arrival, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PATCH_TIME", -1.0)
    assert await scene.ensure() == whole
    assert [each["refused"] for each in scene.asked()] == [[]]


async def test_the_base_stays_while_room_is_made_for_the_new_one(scene: Scene) -> None:
    other = hashlib.sha256(b"other").hexdigest()
    (scene.cache / other).write_bytes(b"other" * 50_000)
    os.utime(scene.cache / OLD_SHA, (1, 1))
    arrival = await scene.ensure(limit=len(OLD) + len(NEW) + len(scene.patch))
    assert arrival.way == "zstd"
    assert names_in(scene.cache) == {OLD_SHA, NEW_SHA}


async def test_a_real_agent_says_what_it_can_and_what_was_sent(
    scene: Scene, gateway: Gateway, tmp_path: Path
) -> None:
    daemon = Daemon(tmp_path / "home", gateway.url, server_url=scene.web.url)
    (daemon.home / "packages").mkdir(parents=True, exist_ok=True)
    (daemon.home / "packages" / OLD_SHA).write_bytes(OLD)
    await daemon.start()
    hello = await gateway.wait(Hello)
    assert set(patching.capabilities()) <= set(hello.capabilities)
    entry = {**PACKAGE, "name": "", "extension": ".zip", "extract": False}
    run = script("true", extra={"packages": [entry]})
    await gateway.send(replace(run, kind="acquire"))
    finished = await gateway.finished(run.id)
    assert finished.exit == 0
    size = len(scene.patch)
    said = f"({len(NEW)} bytes); {size} bytes were sent: a patch of an older version that was here."
    assert said in gateway.streams[run.id][1].decode()
    assert (daemon.home / "packages" / NEW_SHA).read_bytes() == NEW
    await daemon.stop()


async def test_a_killed_agent_goes_on_with_the_patch(
    scene: Scene, gateway: Gateway, tmp_path: Path
) -> None:
    """What was downloaded before the kill is not sent again."""
    daemon = Daemon(tmp_path / "home", gateway.url, server_url=scene.web.url)
    packages = daemon.home / "packages"
    packages.mkdir(parents=True, exist_ok=True)
    (packages / OLD_SHA).write_bytes(OLD)
    (packages / f"{NEW_SHA}.patch.part").write_bytes(scene.patch[:500])
    (packages / f"{NEW_SHA}.patch.etag").write_text(f'"{scene.sha256}"')
    await daemon.start()
    await gateway.wait(Hello)
    entry = {**PACKAGE, "name": "", "extension": ".zip", "extract": False}
    run = script("true", extra={"packages": [entry]})
    await gateway.send(replace(run, kind="acquire"))
    assert (await gateway.finished(run.id)).exit == 0
    assert scene.web.ranges()[-1] == "bytes=500-"
    await daemon.stop()


def test_what_patches_left_long_ago_is_removed(tmp_path: Path) -> None:
    for suffix in (".patch", ".patch.part", ".patch.etag", ".new"):
        (tmp_path / f"{NEW_SHA}{suffix}").write_bytes(b"old")
        os.utime(tmp_path / f"{NEW_SHA}{suffix}", (1, 1))
    (tmp_path / f"{OLD_SHA}.new").write_bytes(b"young")
    PackageCache(tmp_path, Endpoint(url="http://127.0.0.1:1"), "secret")
    assert names_in(tmp_path) == {f"{OLD_SHA}.new"}

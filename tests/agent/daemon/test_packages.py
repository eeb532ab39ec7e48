"""Packages and big specs come over HTTP: verified, resumed, cached, refused when wrong."""

import asyncio
import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.contracts import limits
from agent.contracts.messages import Accepted, Hello, SpecRef
from agent.contracts.spec import canonical_json
from agent.runtime.http import Endpoint, HttpError
from agent.runtime.packages.cache import PackageCache
from agent.runtime.packages.download import WrongContent
from tests.agent.daemon.gateway import CREDENTIAL, Daemon, Gateway, names_in, script
from tests.agent.daemon.web import Web

CONTENT = bytes(range(256)) * 8192


def cache_of(web: Web, folder: Path, **options: Any) -> PackageCache:
    return PackageCache(folder, Endpoint(url=web.url), "secret", **options)


def package(sha256: str) -> dict[str, Any]:
    return {"sha256": sha256, "size": len(CONTENT), "package_id": "Acme", "version": "1.0.0"}


async def test_a_package_is_fetched_once_with_the_credential(web: Web, tmp_path: Path) -> None:
    sha256 = web.add(CONTENT)
    cache = cache_of(web, tmp_path)
    await asyncio.gather(cache.ensure(package(sha256)), cache.ensure(package(sha256)))
    assert (tmp_path / sha256).read_bytes() == CONTENT
    assert len(web.requests) == 1
    assert web.requests[0][2]["authorization"] == "Bearer secret"


@pytest.mark.parametrize("cut", [0, 1, 1000, 1_048_576, 1_048_577, len(CONTENT) - 1])
async def test_a_cut_transfer_goes_on_where_it_ended(web: Web, tmp_path: Path, cut: int) -> None:
    sha256 = web.add(CONTENT)
    web.cut_after = cut
    await cache_of(web, tmp_path).ensure(package(sha256))
    assert (tmp_path / sha256).read_bytes() == CONTENT
    assert web.ranges() == ["", f"bytes={cut}-" if cut else ""]
    assert names_in(tmp_path) == {sha256}


async def test_what_broken_transfers_left_is_removed_when_it_is_old(
    web: Web, tmp_path: Path
) -> None:
    sha256, other = web.add(CONTENT), "b" * 64
    web.cut_after = 1000
    stopped = asyncio.create_task(cache_of(web, tmp_path).ensure(package(sha256)))
    part = tmp_path / f"{sha256}.part"
    while not part.exists() or part.stat().st_size < 1000:  # noqa: ASYNC110 no event tells it
        await asyncio.sleep(0.01)
    stopped.cancel()
    await asyncio.gather(stopped, return_exceptions=True)
    for name in (f"{other}.part", f"{other}.etag"):
        (tmp_path / name).write_bytes(b"old")
        os.utime(tmp_path / name, (1, 1))
    cache = cache_of(web, tmp_path)
    assert names_in(tmp_path) == {f"{sha256}.part", f"{sha256}.etag"}
    await cache.ensure(package(sha256))
    assert web.ranges()[-1] == "bytes=1000-"
    assert names_in(tmp_path) == {sha256}


async def test_a_damaged_cache_is_noticed(web: Web, tmp_path: Path) -> None:
    sha256 = web.add(CONTENT)
    (tmp_path / sha256).write_bytes(b"rot")
    await cache_of(web, tmp_path).ensure(package(sha256))
    assert (tmp_path / sha256).read_bytes() == CONTENT


async def test_a_fresh_package_is_downloaded_though_it_is_there(web: Web, tmp_path: Path) -> None:
    sha256 = web.add(CONTENT)
    cache = cache_of(web, tmp_path)
    await cache.ensure(package(sha256))
    with (tmp_path / sha256).open("rb") as used:
        await cache.ensure({**package(sha256), "fresh": True})
        assert (len(web.requests), used.read()) == (2, CONTENT)
    assert (tmp_path / sha256).read_bytes() == CONTENT
    await cache.ensure(package(sha256))
    assert len(web.requests) == 2


async def test_wrong_content_and_missing_packages_are_errors(
    web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.runtime.packages.download._ATTEMPTS", 2)
    sha256 = web.add(CONTENT)
    web.spoil = True
    with pytest.raises(WrongContent):
        await cache_of(web, tmp_path).ensure(package(sha256))
    assert names_in(tmp_path) == set()
    with pytest.raises(HttpError, match="404"):
        await cache_of(web, tmp_path).ensure(package("0" * 64))


async def test_the_cache_keeps_what_is_held_and_evicts_the_oldest(web: Web, tmp_path: Path) -> None:
    cache = cache_of(web, tmp_path, limit=3 * len(CONTENT))
    names = [web.add(bytes([number]) + CONTENT[1:]) for number in range(5)]
    async with cache.hold([package(names[0])]):
        for age, name in enumerate(names[:3]):
            await cache.ensure(package(name))
            os.utime(tmp_path / name, (age, age))
        await cache.ensure(package(names[3]))
        assert names_in(tmp_path) == {names[0], names[2], names[3]}
    await cache.ensure(package(names[4]))
    assert names[0] not in names_in(tmp_path)


async def test_a_command_gets_its_package_and_its_big_spec(
    web: Web, gateway: Gateway, tmp_path: Path
) -> None:
    daemon = Daemon(tmp_path / "home", gateway.url, server_url=web.url)
    await daemon.start()
    await gateway.wait(Hello)
    sha256 = web.add(CONTENT)
    filler = ["Filler", "x" * limits.MAX_CONTROL_FRAME, False]
    run = script(f"sha256sum < {daemon.home}/packages/{sha256}")
    spec = json.loads(json.dumps(run.spec))
    spec["variables"].append(filler)
    spec["packages"] = [{**package(sha256), "name": "", "extension": ".zip", "extract": False}]
    body = canonical_json(spec)
    sha = hashlib.sha256(body).hexdigest()
    reference = SpecRef(size=len(body), sha256=sha)
    run = replace(run, spec=None, spec_ref=reference, spec_hash=sha)
    web.specs[run.id] = body
    await gateway.send(run)
    await gateway.wait(Accepted)
    finished = await gateway.finished(run.id)
    assert finished.exit == 0, gateway.streams[run.id]
    assert sha256.encode() in gateway.streams[run.id][1]
    assert all(
        headers["authorization"] == f"Bearer {CREDENTIAL}" for _, _, headers, _ in web.requests
    )
    await daemon.stop()


async def test_a_package_that_is_not_there_fails_the_command_without_a_start(
    web: Web, gateway: Gateway, tmp_path: Path
) -> None:
    daemon = Daemon(tmp_path / "home", gateway.url, server_url=web.url)
    await daemon.start()
    await gateway.wait(Hello)
    for number, sha256 in enumerate(("0" * 64, "../../../etc/passwd"), 1):
        run = script("true", extra={"packages": [package(sha256)]})
        await gateway.send(replace(run, ttl_s=20.0))
        finished = await gateway.finished(run.id)
        assert not finished.started
        assert finished.reason == ("error: package" if number == 1 else "error: spec")
    await daemon.stop()

"""Make a package of an older one that is here, with a patch from the server."""

import asyncio
import logging
import re
import threading
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agent.contracts import limits
from agent.patches import BrokenPatch, apply_patch, deflate_mark, gzip_mark
from agent.runtime.hashing import hash_file
from agent.runtime.http import Endpoint, HttpError, request_json
from agent.runtime.packages.download import Cancelled, WrongContent, fetch
from agent.runtime.packages.zstd import find_zstd, seems_here

_log = logging.getLogger("tentacle")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_ASKED_AGAIN: Final = (0.3, 0.5, 1.0)
_DOWNLOADS: Final = 3
_OFFERS: Final = 3


def capabilities() -> tuple[str, ...]:
    """Return what `hello` says about patches: their forms, and how this machine deflates."""
    zstd = ("patch:zstd",) if seems_here() else ()
    gzip = (f"gzip:{gzip_mark()}",) if gzip_mark() else ()
    return (*zstd, "patch:files", f"deflate:{deflate_mark()}", *gzip)


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a package came here: `sent` bytes in the way of that name, perhaps from an older one."""

    way: str
    sent: int = 0
    base: str = ""


@dataclass(frozen=True, slots=True)
class _Offer:
    base: str
    patch: str
    size: int
    form: str


class Patching:
    """Asks for patches, fetches and applies them; whatever goes wrong, the answer is None."""

    def __init__(
        self,
        folder: Path,
        endpoint: Endpoint,
        credential: str,
        hold: Callable[[str], AbstractAsyncContextManager[None]],
        make_room: Callable[[int], None],
    ) -> None:
        self._folder = folder
        self._endpoint = endpoint
        self._credential = credential
        self._hold = hold
        self._make_room = make_room

    async def make(self, sha256: str, size: int) -> Arrival | None:
        """Put the package into the cache by a patch, and say how; None when it must come whole."""
        refused: list[str] = []
        try:
            for _ in range(_OFFERS):
                offer = await self._offer(sha256, refused)
                if offer is None:
                    return None
                if await self._made(sha256, size, offer, refused):
                    return Arrival(offer.form, offer.size, offer.base)
        except (HttpError, OSError, ValueError) as problem:
            _log.info("package %s comes whole: %s", sha256, problem)
        return None

    async def _offer(self, sha256: str, refused: list[str]) -> _Offer | None:
        """Ask for a patch until the server has made it, or for as long as it is worth waiting."""
        have = [name for name in self._here() if name != sha256]
        body: dict[str, Any] = {"have": have, "refused": refused}
        if have and await asyncio.to_thread(find_zstd) is None:
            # What was announced cannot be loaded.
            body["forms"] = ["files"]
        until = time.monotonic() + limits.PATCH_PATIENCE
        path = f"/agent/v1/packages/{sha256}/patch"
        headers = {"Authorization": f"Bearer {self._credential}"}
        number = 0
        while have:
            answer = await asyncio.to_thread(
                request_json, self._endpoint, "POST", path, headers, body
            )
            if not answer:
                return None
            if not answer.get("coming"):
                return _read_offer(answer, have)
            if time.monotonic() > until:
                raise HttpError(0, "the server has not made a patch in time")
            await asyncio.sleep(_ASKED_AGAIN[min(number, len(_ASKED_AGAIN) - 1)])
            number += 1
        return None

    async def _made(self, sha256: str, size: int, offer: _Offer, refused: list[str]) -> bool:
        """Apply an offered patch; False when another offer may be better."""
        base, target = self._folder / offer.base, self._folder / sha256
        patch, new = target.with_suffix(".patch"), target.with_suffix(".new")
        async with self._hold(offer.base):
            self._make_room(size + offer.size)
            if await asyncio.to_thread(hash_file, base) != offer.base:
                _log.warning("package %s in the cache was damaged", offer.base)
                base.unlink(missing_ok=True)
                return False
            source = f"/agent/v1/packages/{sha256}/patches/{offer.patch}"
            try:
                await fetch(
                    self._endpoint, self._credential, source, offer.patch, patch, _DOWNLOADS
                )
            except WrongContent as problem:
                _log.warning("the patch for package %s is damaged: %s", sha256, problem)
                refused.append(offer.patch)
                return False
            try:
                if await _in_thread(lambda check: _apply(patch, base, new, size, check)) != sha256:
                    raise BrokenPatch("what it makes is not the package")
                new.replace(target)
            except BrokenPatch as problem:
                _log.warning("the patch for package %s is no good: %s", sha256, problem)
                refused.append(offer.patch)
                return False
            finally:
                patch.unlink(missing_ok=True)
                new.unlink(missing_ok=True)
        return True

    def _here(self) -> list[str]:
        """Return the packages of the cache, those that were used last first."""
        found = [path for path in self._folder.iterdir() if _SHA256.fullmatch(path.name)]
        found.sort(key=lambda path: -path.stat().st_mtime)
        return [path.name for path in found[: limits.PATCH_BASES]]


def _read_offer(answer: dict[str, Any], have: list[str]) -> _Offer:
    offer = _Offer(
        base=str(answer.get("base")),
        patch=str(answer.get("patch")),
        size=int(answer.get("size") or 0),
        form=str(answer.get("form")),
    )
    if offer.base not in have or not _SHA256.fullmatch(offer.patch):
        raise ValueError("the server's offer cannot be read")
    return offer


def _apply(patch: Path, base: Path, new: Path, size: int, check: Callable[[], None]) -> str:
    with patch.open("rb") as source, base.open("rb") as old, new.open("wb") as target:
        return apply_patch(source, old, target, size=size, zstd=find_zstd(), check=check)


async def _in_thread(work: Callable[[Callable[[], None]], str]) -> str:
    """Run blocking work that looks by `check` whether it is still wanted."""
    stop, until = threading.Event(), time.monotonic() + limits.PATCH_TIME

    def check() -> None:
        if stop.is_set():
            raise Cancelled
        if time.monotonic() > until:
            raise TimeoutError("the patch takes too long to apply")

    task = asyncio.ensure_future(asyncio.to_thread(work, check))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        stop.set()
        await asyncio.gather(task, return_exceptions=True)
        raise

"""The daemon's part in an upgrade: refuse, or fetch and check, then make way for the trial."""

import asyncio
import contextlib
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from agent import failpoints
from agent.contracts import limits
from agent.contracts.messages import FromAgent, Upgrade
from agent.runtime import config, platform
from agent.runtime.hashing import hash_file
from agent.runtime.http import Endpoint, HttpError
from agent.runtime.packages.download import WrongContent, fetch
from agent.runtime.upgrade import outcome
from agent.runtime.upgrade.outcome import FINAL, Outcome
from agent.runtime.upgrade.program import Versions, own_program, why_not_here
from agent.runtime.upgrade.seat import TrialSeat

_log = logging.getLogger("tentacle")


class UpgradeFailed(Exception):
    """The new program cannot be used; says why."""


class Upgrader:
    """Answers `upgrade`; `program` is what to try once the daemon has stopped for it."""

    def __init__(
        self,
        home: Path,
        endpoint: Endpoint,
        credential: str,
        stop: asyncio.Event,
        seat: TrialSeat | None,
    ) -> None:
        self.program: Path | None = None
        self.sha256 = ""
        self._home = home
        self._endpoint = endpoint
        self._credential = credential
        self._stop = stop
        self._seat = seat
        self._own = own_program()
        self._versions = Versions(home)
        self._say: Callable[[FromAgent], None] | None = None
        self._work: asyncio.Task[None] | None = None
        self._last = outcome.read(home)
        if seat is None and self._last is not None and self._last.stage not in FINAL:
            self._conclude(self._last)

    def welcomed(self, say: Callable[[FromAgent], None]) -> None:
        """Begin to tell the server of upgrades; in a trial this is the moment that proves it."""
        self._say = say
        if self._seat is not None:
            self._seat.report_welcome()
        if self._last is not None:
            say(self._last.message())

    def left(self) -> None:
        """Stop telling."""
        self._say = None

    def request(self, message: Upgrade) -> None:
        """Begin the upgrade, or say why not; asked again, say how far it is."""
        last = self._last
        is_known = last is not None and last.request == message.request != ""
        if self._is_busy() or is_known:
            if last is not None and self._say is not None:
                self._say(last.message())
            return
        state = Outcome(
            version=message.version,
            sha256=message.sha256,
            stage="downloading",
            request=message.request,
        )
        refusal = self._refusal(message)
        if refusal:
            _log.warning("upgrade to %s refused: %s", message.version, refusal)
            self._note(replace(state, stage="refused", detail=refusal))
        elif self._own is not None and hash_file(self._own) == message.sha256:
            self._note(replace(state, stage="done", detail="this program runs already"))
        else:
            _log.info("upgrade to %s begins", message.version)
            self._note(state)
            self._work = asyncio.create_task(self._upgrade(message, state))

    async def close(self) -> None:
        """Give up what has not come to the trial."""
        if self._work is not None:
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)

    def _is_busy(self) -> bool:
        return self._seat is not None or self.program is not None or self._work is not None

    def _refusal(self, message: Upgrade) -> str:
        if reason := why_not_here(self._own):
            return reason
        settled, _ = config.load(self._home)
        if settled.upgrade_locked:
            return "upgrades are locked on this machine (upgrade_locked in config.json)"
        if not message.url.startswith("/"):
            return "the program is not on the server that this agent is registered with"
        try:
            self._versions.place(message.version, message.sha256)
        except ValueError as problem:
            return str(problem)
        needed = 2 * message.size + limits.MIN_FREE_DISK
        free = platform.free_disk(self._home)
        if free < needed:
            return f"the disk has {free} bytes free, and {needed} are needed"
        return ""

    async def _upgrade(self, message: Upgrade, state: Outcome) -> None:
        try:
            program = await self._fetch(message)
            self._note(replace(state, stage="checking"))
            await asyncio.to_thread(_check, program, message.version)
        except (HttpError, WrongContent, OSError, UpgradeFailed) as problem:
            detail = str(problem) or type(problem).__name__
            _log.error("upgrade to %s failed: %s", message.version, detail)
            self._note(replace(state, stage="failed", detail=detail))
            self._work = None
        else:
            self._note(replace(state, stage="trying"))
            failpoints.hit("trying")
            self.program, self.sha256 = program, message.sha256
            self._stop.set()

    async def _fetch(self, message: Upgrade) -> Path:
        program = self._versions.place(message.version, message.sha256)
        if program.exists() and await asyncio.to_thread(hash_file, program) == message.sha256:
            return program
        program.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        await fetch(self._endpoint, self._credential, message.url, message.sha256, program)
        config.sync_folder(program.parent)
        failpoints.hit("downloaded")
        return program

    def _conclude(self, last: Outcome) -> None:
        """An upgrade was cut short: it was done if its program is the one that runs."""
        is_done = self._own is not None and hash_file(self._own) == last.sha256
        detail = "" if is_done else "the agent was restarted in the middle of it"
        self._last = replace(last, stage="done" if is_done else "failed", detail=detail)
        outcome.write(self._home, self._last)

    def _note(self, state: Outcome) -> None:
        self._last = state
        outcome.write(self._home, state)
        if self._say is not None:
            self._say(state.message())


def _check(program: Path, version: str) -> None:
    """Let the program say its version; raise UpgradeFailed unless it is the one promised."""
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(program), "--version"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=limits.UPGRADE_CHECK,
            check=False,
            stdin=subprocess.DEVNULL,
            env=dict(os.environ),
        )
    except subprocess.TimeoutExpired as problem:
        raise UpgradeFailed("the new program does not answer") from problem
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise UpgradeFailed(f"the new program does not start: {last[:300]}")
    if done.stdout.strip() != f"tentacle {version}":
        with contextlib.suppress(OSError):
            program.unlink()
        raise UpgradeFailed(f"the new program says it is {done.stdout.strip()[:100]!r}")

"""One command's way: wait, fetch, start, follow, finish. Its journal decides after a restart."""

import asyncio
import contextlib
import logging
import os
import re
import time
import traceback
from dataclasses import asdict, replace
from typing import Any, Protocol

from agent import failpoints
from agent.contracts import limits
from agent.contracts.messages import Finished, FromAgent, Phase, Progress, Run, Started
from agent.runtime import platform
from agent.runtime.artifacts import ArtifactUploads
from agent.runtime.commands.folder import CommandFolder, header_of
from agent.runtime.commands.isolation import IsolationLocks, Slots
from agent.runtime.commands.spawn import Spawner, SpawnFailed
from agent.runtime.http import HttpError
from agent.runtime.journal import Journal
from agent.runtime.packages.cache import PackageCache
from agent.runtime.packages.download import WrongContent
from agent.runtime.packages.patching import Arrival
from agent.runtime.platform.watch import FolderWatch
from agent.runtime.waiting import wait_at_most

_log = logging.getLogger("tentacle")
_POLL = 0.05
_PROBE = 1.0
_DISK_RETRY = 1.0
# A result must always fit a control frame.
_MAX_REASON, _MAX_MESSAGE = 1000, 10_000
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Surroundings(Protocol):
    """What a command needs of the agent around it."""

    journal: Journal
    isolation: IsolationLocks
    slots: Slots
    spawner: Spawner
    packages: PackageCache
    watch: FolderWatch
    artifacts: ArtifactUploads

    def say(self, message: FromAgent) -> None:
        """Send now if connected; a reconnect tells the same again by itself."""

    def output_grew(self, command: "Command") -> None:
        """Look at the spool, or at the end, of a command."""

    async def fetch_spec(self, run: Run) -> dict[str, Any]:
        """Return the spec of a command that did not carry it."""


class NotStarted(Exception):
    """The command ends without having run; args[0] is the reason."""


class Command:
    """A journaled, unreleased command. `run.spec` is dropped as soon as a runner has it."""

    def __init__(self, around: Surroundings, folder: CommandFolder, run: Run) -> None:
        self._around = around
        self.folder = folder
        self.run = run
        self.id = run.id
        self.started: dict[str, Any] | None = None
        self.finished: Finished | None = None
        self.needs_spec = run.spec is None and run.spec_ref is None
        self.released_when_finished = False
        self._spawned: int | None = None
        self._maybe_running = False
        self._cancel: tuple[float, str] | None = None
        self._ends_at = time.monotonic() + run.ttl_s
        self._changed = asyncio.Event()
        self._supplied = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def phase(self) -> Phase:
        """The state to report to the server."""
        if self.finished is not None:
            return "finished"
        return "started" if self.started is not None or self._maybe_running else "accepted"

    def begin(self) -> None:
        """Start working on a command that has not started yet."""
        self._task = asyncio.create_task(self._guarded(self._whole_way()))

    def resume(self) -> None:
        """Follow a runner that an earlier daemon started."""
        self._maybe_running = True
        self.needs_spec = False
        self.started = self.folder.started()
        self._task = asyncio.create_task(self._guarded(self._found_running()))

    def supply(self, run: Run) -> None:
        """Give the spec again after a restart that lost it."""
        self.run = run
        self.needs_spec = False
        self._ends_at = time.monotonic() + run.ttl_s
        self._supplied.set()

    def cancel(self, grace_s: float, reason: str) -> bool:
        """Stop a running command, True; or end it here and now without a start, False."""
        if not self._maybe_running and self.end_unstarted("cancelled", reason):
            return False
        self._cancel = (grace_s, reason)
        with contextlib.suppress(OSError):
            self.folder.ask_to_stop(grace_s, reason)
        self.folder.signal()
        self._changed.set()
        return True

    def end_unstarted(self, reason: str, message: str = "") -> bool:
        """Finish without a start; False when a runner has started, or is about to."""
        if not self.folder.claim(reason):
            return False
        self._conclude(Finished(id=self.id, started=False, reason=reason, message=message))
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
        return True

    def conclude_from_disk(self, *, lost: bool) -> None:
        """Finish by the exit record, or as lost when the runner died without one."""
        finished = self._without_exit() if lost else self._ended(self.folder.exit_record() or {})
        if self._around.artifacts.waiting(self.folder.path):
            self._maybe_running = True
            self._task = asyncio.create_task(self._guarded(self._deliver(finished)))
        else:
            self._conclude(finished)

    async def stop(self) -> None:
        """Stop working on the command; a runner goes on."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _guarded(self, way: Any) -> None:
        try:
            await way
        except NotStarted as problem:
            self._not_started(*problem.args)
        except Exception as problem:  # noqa: BLE001
            # Frames and type only: the text of an exception may quote a value.
            frames = "".join(traceback.format_tb(problem.__traceback__))
            _log.error("command %s: %s\n%s", self.id, type(problem).__name__, frames)
            self._not_started(f"error: {type(problem).__name__}", "")

    def _not_started(self, reason: str, message: str = "") -> None:
        if self.finished is None and not self.end_unstarted(reason, message):
            _log.warning("command %s runs although its start failed: %s", self.id, reason)
            self.resume()

    async def _whole_way(self) -> None:
        if self.needs_spec:
            await self._in_time(self._supplied.wait())
        spec = await self._in_time(self._spec())
        packages = _packages_of(spec)
        async with self._around.packages.hold(packages):
            arrivals = {}
            for package in packages:
                arrivals[package["sha256"]] = await self._in_time(self._package(package))
            async with contextlib.AsyncExitStack() as held:
                turn = self._around.isolation.hold(self.run.isolation)
                await self._in_time(held.enter_async_context(turn), self.run.isolation.wait_s)
                await self._in_time(held.enter_async_context(self._around.slots.hold()))
                await self._start(spec, packages, arrivals)
                del spec
                finished = await self._follow()
        self._conclude(await self._with_artifacts(finished))

    async def _found_running(self) -> None:
        entry = self._around.journal.get(self.id)
        async with (
            self._around.packages.hold(entry.packages if entry else []),
            self._around.isolation.force(self.run.isolation),
            self._around.slots.hold(at_once=True),
        ):
            finished = await self._follow()
        self._conclude(await self._with_artifacts(finished))

    async def _deliver(self, finished: Finished) -> None:
        self._conclude(await self._with_artifacts(finished))

    async def _with_artifacts(self, finished: Finished) -> Finished:
        """Bring the artifacts to the server first: who sees the result finds them there."""
        artifacts, folder = self._around.artifacts, self.folder.path
        if not artifacts.waiting(folder):
            return finished
        problems = await artifacts.deliver(self.id, folder, lambda: self._cancel is not None)
        message = " ".join(filter(None, (finished.message, *problems)))[:_MAX_MESSAGE]
        return replace(finished, message=message)

    async def _in_time(self, work: Any, limit: float = 0.0) -> Any:
        left = max(0.0, self._ends_at - time.monotonic())
        try:
            async with asyncio.timeout(min(left, limit) if limit else left):
                return await work
        except TimeoutError as problem:
            raise NotStarted("expired", "It did not start in time.") from problem

    async def _spec(self) -> dict[str, Any]:
        run = self.run
        spec = run.spec if run.spec is not None else await self._around.fetch_spec(run)
        self.run = replace(run, spec=None)
        return spec

    async def _package(self, package: dict[str, Any]) -> Arrival:
        try:
            return await self._around.packages.ensure(package)
        except (HttpError, WrongContent, OSError) as problem:
            text = f"The package {package.get('package_id')} could not be fetched: {problem}"
            raise NotStarted("error: package", text) from problem

    async def _start(
        self,
        spec: dict[str, Any],
        packages: list[dict[str, Any]],
        arrivals: dict[str, Arrival],
    ) -> None:
        if self.finished is not None:
            raise asyncio.CancelledError
        failpoints.hit("accepted")
        await self._until_written(lambda: self._around.journal.starting(self.id, packages))
        failpoints.hit("started")
        self._maybe_running = True
        try:
            header = header_of(self.run, arrivals)
            self._spawned = await self._around.spawner.spawn(self.folder.path, header, spec)
        except SpawnFailed as problem:
            raise NotStarted("error: spawn", str(problem)) from problem
        failpoints.hit("spawn")

    async def _follow(self) -> Finished:
        watch = self._around.watch
        # One that an earlier daemon started may have ended, or printed a lot, long ago.
        first_look = 0.0 if self._spawned is None else limits.FIRST_LOOK
        handle = watch.add(self.folder.path, self._changed.set, first_look)
        began = now = time.monotonic()
        next_progress, next_probe = now + limits.PROGRESS_INTERVAL, now + _PROBE
        try:
            if first_look:
                # A short command is looked at once, when it has ended.
                await wait_at_most(self._changed, first_look)
            while True:
                self._changed.clear()
                # The runner's death leaves no event, so its lock is looked at now and then.
                finished = self._look(probe=now >= next_probe)
                if finished is not None:
                    failpoints.hit("exit")
                    return finished
                if now >= next_probe:
                    next_probe = now + _PROBE
                if now >= next_progress:
                    next_progress = now + limits.PROGRESS_INTERVAL
                    elapsed = int((now - began) * 1000)
                    size = self.folder.spool_size()
                    self._around.say(Progress(id=self.id, offset=size, elapsed_ms=elapsed))
                await wait_at_most(self._changed, _POLL if handle < 0 else _PROBE)
                now = time.monotonic()
        finally:
            watch.remove(handle)

    def _look(self, *, probe: bool) -> Finished | None:
        record = self.folder.exit_record()
        if record is not None:
            # The result implies the start.
            return self._ended(record)
        if self.started is None:
            self._notice_start()
        self._around.output_grew(self)
        if not probe or self.folder.is_held():
            return None
        record = self.folder.exit_record()
        if record is not None:
            return self._ended(record)
        if self.folder.started() is not None:
            return self._without_exit()
        if self._spawned is None or not _is_alive(self._spawned):
            raise NotStarted("error: runner", "The runner ended before it had started.")
        return None

    def _notice_start(self) -> None:
        values = self.folder.started()
        # An empty object: the file was seen between its creation and its content.
        if not values:
            return
        self.started = values
        pid = int(values.get("pid", 0))
        self._around.say(Started(id=self.id, time_ms=time.time_ns() // 1_000_000, pid=pid))
        if self._cancel is not None:
            self.folder.signal()

    def _ended(self, record: dict[str, Any]) -> Finished:
        return Finished(
            id=self.id,
            started=True,
            exit=record.get("exit"),
            signal=record.get("signal"),
            reason=str(record.get("reason") or "")[:_MAX_REASON],
            message=str(record.get("message") or "")[:_MAX_MESSAGE],
            bytes=int(record.get("bytes") or 0),
            sha256=record.get("sha256"),
            duration_ms=int(record.get("duration_ms") or 0),
        )

    def _without_exit(self) -> Finished:
        length, sha256, record = self.folder.measure()
        if record is not None:
            return self._ended(record)
        platform.leave_no_trace(self.id, kill=True)
        text = "The runner or the machine ended before the script's exit was recorded."
        return Finished(
            id=self.id, started=True, reason="lost", message=text, bytes=length, sha256=sha256
        )

    def _conclude(self, finished: Finished) -> None:
        self.finished = finished
        try:
            told_by_exit_file = finished.started and finished.reason != "lost"
            self._around.journal.finished(self.id, asdict(finished), sync=not told_by_exit_file)
        except OSError as problem:
            # The exit file tells the same after a restart, so a full disk costs nothing here.
            _log.warning("command %s: the journal cannot be written: %s", self.id, problem)
        failpoints.hit("finished")
        _log.info("command %s finished: %s", self.id, finished.reason or finished.exit)
        self._around.output_grew(self)

    async def _until_written(self, write: Any) -> None:
        while True:
            try:
                write()
            except OSError as problem:
                if time.monotonic() >= self._ends_at:
                    raise NotStarted("error: disk full", str(problem)) from problem
                _log.warning("command %s waits for the disk: %s", self.id, problem)
                await asyncio.sleep(_DISK_RETRY)
            else:
                return


def _packages_of(spec: dict[str, Any]) -> list[dict[str, Any]]:
    packages = spec.get("packages") or []
    for package in packages:
        if not _SHA256.fullmatch(str(package.get("sha256"))):
            raise NotStarted("error: spec", "A package of the command has no valid SHA-256.")
    return list(packages)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True

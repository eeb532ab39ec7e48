"""All commands of the agent: answers to the server's orders, and recovery after a restart."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from agent import failpoints
from agent.contracts import limits
from agent.contracts.messages import (
    Accepted,
    CancelAck,
    CommandReport,
    Finished,
    FromAgent,
    Rejected,
    Run,
    State,
)
from agent.runtime import platform
from agent.runtime.artifacts import ArtifactUploads
from agent.runtime.commands.command import Command
from agent.runtime.commands.folder import CommandFolder
from agent.runtime.commands.isolation import IsolationLocks, Slots
from agent.runtime.commands.kept import is_hash_of, kept_of, restored_run
from agent.runtime.commands.spawn import Spawner
from agent.runtime.commands.workspaces import Workspaces
from agent.runtime.journal import Entry, Journal
from agent.runtime.packages.cache import PackageCache
from agent.runtime.platform.watch import FolderWatch

_log = logging.getLogger("tentacle")
KINDS = (
    "acquire",
    "script",
    "deploy_package",
    "deploy_java_archive",
    "deploy_nginx",
    "deploy_systemd_service",
    "transfer_package",
)
_STATE_PART = 500


class CommandTable:
    """The surroundings of every command, and what the connection drives.

    `say` and `output_grew` are set by the connection while there is one.
    """

    def __init__(
        self,
        home: Path,
        spawner: Spawner,
        packages: PackageCache,
        artifacts: ArtifactUploads,
        fetch_spec: Callable[[Run], Awaitable[dict[str, Any]]],
        workspace_retention_s: float,
    ) -> None:
        self.home = home
        self.journal = Journal(home / "journal")
        self.isolation = IsolationLocks()
        self.slots = Slots(limits.MAX_RUNNING)
        self.spawner = spawner
        self.packages = packages
        self.artifacts = artifacts
        self.watch = FolderWatch()
        self.live: dict[str, Command] = {}
        self.draining = False
        self.listener: Callable[[FromAgent], None] | None = None
        self.on_output: Callable[[Command], None] | None = None
        self._fetch_spec = fetch_spec
        self._workspaces = Workspaces(home / "cmd", workspace_retention_s)

    def say(self, message: FromAgent) -> None:
        """Send now if connected."""
        if self.listener is not None:
            self.listener(message)

    def output_grew(self, command: Command) -> None:
        """Tell the connection; release what was forgotten while it ran."""
        if command.finished is not None and command.released_when_finished:
            asyncio.get_running_loop().call_soon(self.release, command.id)
        elif self.on_output is not None:
            self.on_output(command)

    async def fetch_spec(self, run: Run) -> dict[str, Any]:
        """Return the spec of a command that did not carry it."""
        return await self._fetch_spec(run)

    def recover(self) -> None:
        """Take up every command that the journal has not released, and clear away the others."""
        for entry in self.journal.entries():
            if entry.is_tombstone:
                continue
            command = Command(self, self._folder(entry.id), _run_of(entry))
            self.live[entry.id] = command
            if entry.result is not None:
                command.needs_spec = False
                command.finished = Finished(**entry.result)
            else:
                self._recover_unfinished(command, entry.phase)
        root = self.home / "cmd"
        root.mkdir(mode=0o700, exist_ok=True)
        for path in root.iterdir():
            if path.name not in self.live and not CommandFolder(path).is_held():
                age = max(0.0, time.time() - path.stat().st_mtime)
                self._workspaces.retire(CommandFolder(path), age_s=age)

    def run(self, run: Run) -> None:
        """Answer a `run`: accepted, rejected, or the state of a known id."""
        entry = self.journal.get(run.id)
        if entry is not None:
            self._run_again(run, entry)
            return
        refusal = self._refusal(run)
        if refusal is None:
            refusal = self._accept(run)
        if refusal is not None:
            code, detail = refusal
            _log.warning("command %s rejected: %s %s", run.id, code, detail)
            self.say(Rejected(id=run.id, code=code, detail=detail))

    def cancel(self, command_id: str, grace_s: float, reason: str) -> None:
        """Stop a command in whatever state it is; an id never seen will never start."""
        command = self.live.get(command_id)
        entry = self.journal.get(command_id)
        if command is not None and command.finished is None:
            signalled = command.cancel(grace_s, reason)
            answer = "signalled" if signalled else "tombstoned"
        elif entry is None:
            self.journal.cancelled(command_id)
            answer = "tombstoned"
        else:
            answer = "tombstoned" if entry.phase == "cancelled" else "already_finished"
        _log.info("command %s cancelled: %s", command_id, answer)
        self.say(CancelAck(id=command_id, state=answer))  # type: ignore[arg-type]

    def release(self, command_id: str) -> None:
        """Forget a finished command for good, save for its tombstone."""
        command = self.live.get(command_id)
        if command is None or command.finished is None:
            return
        with contextlib.suppress(OSError):
            self.journal.released(command_id)
        del self.live[command_id]
        self._workspaces.retire(command.folder, size=command.finished.bytes)

    def forget(self, command_id: str) -> None:
        """Release a command that the server does not wait for: now, or as soon as it ends."""
        command = self.live.get(command_id)
        if command is None:
            return
        command.released_when_finished = True
        if command.finished is None and command.phase == "accepted":
            command.cancel(0.0, "unknown to the server")
        self.release(command_id)

    def report(self, command_id: str) -> CommandReport:
        """Return what the agent knows about an id."""
        entry = self.journal.get(command_id)
        command = self.live.get(command_id)
        if command is None:
            if entry is None:
                return CommandReport(id=command_id, state="unknown")
            state = "cancelled" if entry.phase == "cancelled" else "released"
            return CommandReport(id=command_id, state=state, spec_hash=entry.hash)  # type: ignore[arg-type]
        return CommandReport(
            id=command_id,
            state=command.phase,
            offset=command.finished.bytes if command.finished else command.folder.spool_size(),
            spec_hash=command.run.spec_hash,
            needs_spec=command.needs_spec,
        )

    def query(self, ids: tuple[str, ...] | None) -> None:
        """Report some commands, or every unreleased one."""
        reports = [self.report(command_id) for command_id in (self.live if ids is None else ids)]
        parts = [
            tuple(reports[start : start + _STATE_PART])
            for start in range(0, len(reports), _STATE_PART)
        ] or [()]
        for number, part in enumerate(parts, 1):
            self.say(State(commands=part, last=number == len(parts)))

    async def close(self) -> None:
        """Stop following; runners go on without this process."""
        await asyncio.gather(*(command.stop() for command in list(self.live.values())))
        await self._workspaces.close()
        self.watch.close()
        self.journal.close()

    def _refusal(self, run: Run) -> tuple[str, str] | None:
        if self.draining:
            return "draining", "the agent is stopping"
        if run.kind not in KINDS:
            return "unsupported", f"unknown kind of command {run.kind[:64]!r}"
        if (run.spec is None) == (run.spec_ref is None):
            return "unsupported", "exactly one of spec and spec_ref is needed"
        if run.spec is not None and not is_hash_of(run.spec, run.spec_hash):
            return "bad_hash", "the spec does not have the hash that was named"
        if run.ttl_s <= 0:
            return "expired", "the time to start had passed"
        if len(self.live) >= limits.MAX_LISTED_COMMANDS:
            return "busy", f"{len(self.live)} commands are waiting here"
        if platform.free_disk(self.home) < limits.MIN_FREE_DISK:
            return "disk_full", "too little space in the state folder"
        return None

    def _accept(self, run: Run) -> tuple[str, str] | None:
        folder = self._folder(run.id)
        try:
            failpoints.hit("accept")
            folder.create()
            self.journal.accepted(run.id, run.spec_hash, kept_of(run))
        except OSError as problem:
            folder.remove()
            return "disk_full", str(problem)
        failpoints.hit("journaled")
        _log.debug("command %s accepted", run.id)
        self.say(Accepted(id=run.id))
        command = self.live[run.id] = Command(self, folder, run)
        command.begin()
        return None

    def _run_again(self, run: Run, entry: Entry) -> None:
        command = self.live.get(run.id)
        if entry.phase == "cancelled":
            self.say(Rejected(id=run.id, code="cancelled", detail="cancelled before it came"))
        elif entry.hash != run.spec_hash:
            self.say(Rejected(id=run.id, code="duplicate_conflict", detail="other spec, same id"))
        elif command is not None and command.needs_spec and run.spec is not None:
            if not is_hash_of(run.spec, run.spec_hash):
                self.say(Rejected(id=run.id, code="bad_hash", detail="not the hash of the spec"))
                return
            command.supply(run)
            self.say(Accepted(id=run.id))
        elif command is not None and command.needs_spec and run.spec_ref is not None:
            command.supply(run)
            self.say(Accepted(id=run.id))
        else:
            self.say(State(commands=(self.report(run.id),)))
            if command is not None and command.finished is not None:
                self.output_grew(command)

    def _recover_unfinished(self, command: Command, phase: str) -> None:
        folder = command.folder
        if folder.exit_record() is not None:
            command.needs_spec = False
            command.conclude_from_disk(lost=False)
        elif folder.is_held():
            _log.info("command %s is still running", command.id)
            command.resume()
        elif (reason := folder.claimed()) is not None:
            command.needs_spec = False
            command.end_unstarted(reason)
        elif folder.started() is not None or (phase == "starting" and not folder.path.exists()):
            command.needs_spec = False
            command.conclude_from_disk(lost=True)
        else:
            _log.info("command %s waits for its spec", command.id)
            command.begin()

    def _folder(self, command_id: str) -> CommandFolder:
        return CommandFolder(self.home / "cmd" / command_id)


def _run_of(entry: Entry) -> Run:
    run = restored_run(entry.id, entry.hash or "0" * 64, entry.run)
    return replace(run, spec=None, spec_ref=None)

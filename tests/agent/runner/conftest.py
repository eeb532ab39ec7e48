"""Run commands in real runner processes, as the spawner does."""

import base64
import hashlib
import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_bytes
from typing import Any

import pytest

from agent.contracts.sealing import unseal_text
from agent.contracts.spool import RECORD, STDERR, STDOUT, SpoolReader
from agent.runtime.runner.main import run_command


@dataclass
class Run:
    """One command: its folder, what was given to it, and how to look at what it left."""

    directory: Path
    key: bytes
    header: dict[str, Any]
    spec: dict[str, Any]
    pid: int = 0
    exit: dict[str, Any] = field(default_factory=dict)

    def wait(self, timeout_s: float = 120) -> "Run":
        """Wait for the runner's end, read `exit`, and check it against the spool."""
        limit = time.monotonic() + timeout_s
        while os.waitpid(self.pid, os.WNOHANG)[0] == 0:
            if time.monotonic() > limit:
                os.kill(self.pid, signal.SIGKILL)
                raise TimeoutError(self.text)
            time.sleep(0.005)
        self.pid = 0
        self.exit = json.loads((self.directory / "exit").read_bytes())
        payloads = b"".join(payload for _, payload in self.frames)
        assert self.exit["bytes"] == len(payloads)
        assert self.exit["sha256"] == hashlib.sha256(payloads).hexdigest()
        return self

    def cancel(self, grace_s: float = 5, reason: str = "") -> None:
        order = {"grace_s": grace_s, "reason": reason}
        (self.directory / "cancel").write_text(json.dumps(order))
        os.kill(self.pid, signal.SIGTERM)

    @property
    def home(self) -> Path:
        return self.directory.parent.parent

    @property
    def work(self) -> Path:
        return self.directory / "work"

    @property
    def frames(self) -> list[tuple[int, bytes]]:
        with SpoolReader(self.directory / "out.spool") as reader:
            return [(frame.stream, frame.payload) for frame in reader]

    @property
    def stdout(self) -> bytes:
        return b"".join(payload for stream, payload in self.frames if stream == STDOUT)

    @property
    def stderr(self) -> bytes:
        return b"".join(payload for stream, payload in self.frames if stream == STDERR)

    @property
    def text(self) -> str:
        return (self.stdout + self.stderr).decode("utf-8", "replace")

    def records(self, kind: str) -> list[dict[str, Any]]:
        found = (json.loads(payload) for stream, payload in self.frames if stream == RECORD)
        return [record for record in found if record["t"] == kind]

    @property
    def warnings(self) -> str:
        return "\n".join(record["message"] for record in self.records("warning"))

    @property
    def outputs(self) -> dict[str, str]:
        found: dict[str, str] = {}
        sealed: dict[str, str] = {}
        for record in self.records("output"):
            kind = sealed if "sealed" in record else found
            text = str(record.get("value", record.get("sealed")))
            kind[record["name"]] = kind.get(record["name"], "") * bool(record.get("part")) + text
        for name, text in sealed.items():
            found[name] = unseal_text(self.key, text)
        return found

    @property
    def levels(self) -> list[tuple[str, str]]:
        """Lines of stdout with the level that was in force."""
        parts = [("info", b"")]
        for stream, payload in self.frames:
            if stream == RECORD:
                record = json.loads(payload)
                if record["t"] == "level" and record["stream"] == "stdout":
                    parts.append((record["level"], b""))
            elif stream == STDOUT:  # a line may come in several frames
                parts[-1] = (parts[-1][0], parts[-1][1] + payload)
        return [(level, line) for level, text in parts for line in text.decode().splitlines()]

    def raw(self) -> bytes:
        """Everything that the command left on the disk."""
        files = [path for path in self.home.rglob("*") if path.is_file()]
        return b"".join(path.read_bytes() for path in files)


class Agent:
    """A state directory in which commands can be run."""

    def __init__(self, home: Path) -> None:
        self.home = home
        (home / "packages").mkdir(parents=True)
        self._count = 0
        self.started: list[Run] = []

    def add_package(self, data: bytes, extension: str = ".zip", **fields: Any) -> dict[str, Any]:
        """Put a package into the cache and return its entry for the spec."""
        sha256 = hashlib.sha256(data).hexdigest()
        (self.home / "packages" / sha256).write_bytes(data)
        return {
            "name": "",
            "package_id": "Acme.Web",
            "version": "1.0.0",
            "extension": extension,
            "sha256": sha256,
            "size": len(data),
            "extract": True,
            **fields,
        }

    def start(
        self,
        variables: dict[str, str] | None = None,
        *,
        kind: str = "script",
        sensitive: dict[str, str] | None = None,
        packages: list[dict[str, Any]] | None = None,
        key: bool = True,
        warnings: list[str] | None = None,
        **limits: Any,
    ) -> Run:
        self._count += 1
        directory = self.home / "cmd" / f"command-{self._count}"
        directory.mkdir(parents=True)
        directory.chmod(0o700)
        header = {"id": directory.name, "kind": kind, "limits": {"grace_s": 2, **limits}}
        secret = token_bytes(32)
        triples = [[name, value, False] for name, value in (variables or {}).items()]
        triples += [[name, value, True] for name, value in (sensitive or {}).items()]
        spec: dict[str, Any] = {"variables": triples, "packages": packages or [], "mask": []}
        if warnings:
            spec["warnings"] = warnings
        if key:
            spec["output_key"] = base64.b64encode(secret).decode()
        run = Run(directory, secret, header, spec)
        self.fork(run)
        return run

    def fork(self, run: Run) -> None:
        """Run the command in a detached child of this process."""
        run.pid = os.fork()
        if run.pid == 0:
            try:
                os.setsid()
                run_command(run.directory, run.header, run.spec)
            finally:
                os._exit(0)
        self.started.append(run)

    def run(self, variables: dict[str, str] | None = None, **options: Any) -> Run:
        return self.start(variables, **options).wait()

    def script(self, body: str, syntax: str = "Bash", **options: Any) -> Run:
        """Run a script to its end; `variables` and the options of `start` may be given."""
        return self.start_script(body, syntax, **options).wait()

    def start_script(self, body: str, syntax: str = "Bash", **options: Any) -> Run:
        variables = options.pop("variables", {})
        return self.start(
            {
                "Octopus.Action.Script.Syntax": syntax,
                "Octopus.Action.Script.ScriptBody": body,
                **variables,
            },
            **options,
        )


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    agent = Agent(tmp_path / "agent")
    yield agent
    for run in agent.started:
        if run.pid:
            os.kill(run.pid, signal.SIGKILL)
            os.waitpid(run.pid, 0)

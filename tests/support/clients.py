"""The real clients: Debian's nuget, the .NET SDK, Node with Octopus's API client."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.tools.install import DOTNET, NODE_MODULES

# Debian's Mono sometimes aborts while it ends its threads, when the program is through already.
_MONO_ENDS = "* Assertion at mono-threads.c"


@dataclass(frozen=True)
class Client:
    """A program with a home folder of its own, so that no cache or setting leaks between tests."""

    command: Sequence[str]
    home: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    needs_terminal: bool = False

    def run(
        self, *arguments: str, cwd: Path | None = None, seconds: float = 120, check: bool = True
    ) -> "subprocess.CompletedProcess[str]":
        """Run it and return its output (both streams in stdout); raises AssertionError."""
        command = [*self.command, *arguments]
        if self.needs_terminal:
            line = f"stty cols 200; exec {shlex.join(command)}"
            command = ["script", "-qec", line, "/dev/null"]
        result = subprocess.run(
            command,
            cwd=cwd or self.home,
            env={**os.environ, "HOME": str(self.home), **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
        )
        result.stdout, crash, _ = result.stdout.replace("\r\n", "\n").partition(_MONO_ENDS)
        if crash and check:
            result.returncode = 0
        assert not check or result.returncode == 0, f"{arguments}\n{result.stdout}"
        return result


@pytest.fixture
def nuget(tmp_path: Path) -> Client:
    """Give Debian's nuget 2.8; it takes only relative paths of packages (set `cwd`)."""
    program = shutil.which("nuget")
    assert program, "nuget is not installed (tests/tools/install.py)"
    # It wraps its lines to the terminal's width, and without a terminal it loops for ever.
    return Client([program], _home(tmp_path, "nuget"), needs_terminal=True)


@pytest.fixture
def dotnet(tmp_path: Path) -> Client:
    """Give the .NET SDK 3.1 (NuGet 5.4)."""
    assert DOTNET.exists(), "dotnet is not installed (tests/tools/install.py)"
    return Client([str(DOTNET)], _home(tmp_path, "dotnet"))


@pytest.fixture
def node(tmp_path: Path) -> Client:
    """Give Node; its scripts may require `@octopusdeploy/api-client` and `octopus-api-client-1`."""
    program = shutil.which("node")
    assert program, "node is not installed (tests/tools/install.py)"
    return Client([program], _home(tmp_path, "node"), {"NODE_PATH": str(NODE_MODULES)})


def _home(tmp_path: Path, name: str) -> Path:
    home = tmp_path / f"home-{name}"
    home.mkdir()
    return home

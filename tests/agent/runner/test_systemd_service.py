"""Installing a service: what is refused before anything is asked of systemd.

What a real systemd does with the rest is in tests/agent/machine.
"""

import io
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

Agent = Any
PREFIX = "Octopus.Action.SystemdService"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a home on a machine that has bash and nothing else."""
    home = tmp_path / "home"
    (home / "bin").mkdir(parents=True)
    bash = shutil.which("bash")
    assert bash
    (home / "bin/bash").symlink_to(bash)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", f"{home}/bin")
    return home


def deploy(agent: Agent, **more: str) -> Any:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("bin/api", "#!/bin/sh\n")
    given = {
        "Octopus.Environment.Name": "Staging",
        "OctopusSkipFreeDiskSpaceCheck": "True",
        f"{PREFIX}.ServiceName": "shop",
        f"{PREFIX}.ExecutablePath": "bin/api",
        f"{PREFIX}.Environment": "KEY=#{Key}",
        f"{PREFIX}.Scope": "user",
    }
    given |= {f"{PREFIX}.{name}": value for name, value in more.items()}
    package = agent.add_package(buffer.getvalue())
    return agent.run(
        given,
        kind="deploy_systemd_service",
        packages=[package],
        sensitive={"Key": "hunter2hunter2"},
    )


def test_a_machine_without_systemd(agent: Agent, home: Path) -> None:
    run = deploy(agent)
    assert run.exit["message"] == "This machine has no systemd."
    assert not (home / ".config").exists()
    assert b"hunter2hunter2" not in run.raw()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"ServiceName": "a/b"}, "a/b is no name of a service"),
        ({"ExecutablePath": "bin/none"}, "The package has no program bin/none"),
        ({"ExecutablePath": "../../x"}, "The package has no program"),
        ({"State": "paused"}, "not paused"),
        ({"Environment": "1=2"}, "1 is no name of an environment variable"),
    ],
)
def test_bad_settings(agent: Agent, home: Path, more: dict[str, str], words: str) -> None:
    run = deploy(agent, **more)
    assert run.exit["exit"] == 1
    assert words in run.exit["message"]
    assert not (home / ".config").exists()

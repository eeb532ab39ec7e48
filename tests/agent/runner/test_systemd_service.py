"""Installing a service: what is written and asked of systemctl, and how failures are told.

No systemd runs where tests run; a program in its place notes what it is asked and answers.
"""

import io
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest

Agent = Any
PREFIX = "Octopus.Action.SystemdService"
ANSWERS = """#!/bin/bash
echo "$*" >> "$HOME/asked"
case $2 in
  is-system-running) cat "$HOME/running" ;;
  is-active) [ ! -e "$HOME/dead" ] ;;
  status) echo "it ended with 203/EXEC" ;;
esac
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a home whose systemctl answers as its files say."""
    home = tmp_path / "home"
    (home / "bin").mkdir(parents=True)
    program = home / "bin/systemctl"
    program.write_text(ANSWERS)
    program.chmod(0o755)
    (home / "running").write_text("degraded\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", f"{home}/bin:/usr/bin:/bin")
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
        f"{PREFIX}.Environment": "PORT=#{Port}\nKEY=#{Key}",
        f"{PREFIX}.Scope": "user",
        "Port": "8080",
    }
    given |= {f"{PREFIX}.{name}": value for name, value in more.items()}
    package = agent.add_package(buffer.getvalue())
    return agent.run(
        given,
        kind="deploy_systemd_service",
        packages=[package],
        sensitive={"Key": "hunter2hunter2"},
    )


def asked(home: Path) -> list[str]:
    return [line.removeprefix("--user ") for line in (home / "asked").read_text().splitlines()]


def test_unit_and_environment_are_written_and_the_service_restarted(
    agent: Agent, home: Path
) -> None:
    run = deploy(agent)
    assert run.exit["exit"] == 0, run.text
    folder = home / ".config/systemd/user"
    place = Path(run.outputs["Package.InstallationDirectoryPath"])
    unit = (folder / "shop.service").read_text()
    assert f"\nExecStart={place}/bin/api\nWorkingDirectory={place}\n" in unit
    assert unit.endswith("\nWantedBy=default.target\n")
    assert (place / "bin/api").stat().st_mode & 0o111
    environment = folder / "shop.service.environment"
    assert environment.read_text() == 'PORT="8080"\nKEY="hunter2hunter2"\n'
    assert stat.S_IMODE(environment.stat().st_mode) == 0o600
    environment.unlink()
    assert b"hunter2hunter2" not in run.raw()
    assert asked(home) == [
        "is-system-running",
        "daemon-reload",
        "enable shop.service",
        "restart shop.service",
        *["is-active --quiet shop.service"] * 3,
    ]


def test_other_states(agent: Agent, home: Path) -> None:
    run = deploy(agent, State="stopped", StartMode="disabled")
    assert run.exit["exit"] == 0, run.text
    assert asked(home)[2:] == ["disable shop.service", "stop shop.service"]


def test_a_service_that_dies_fails_the_deployment(agent: Agent, home: Path) -> None:
    (home / "dead").touch()
    run = deploy(agent)
    assert run.exit["message"] == "The service shop does not run."
    assert "203/EXEC" in run.text


def test_a_machine_without_systemd(agent: Agent, home: Path) -> None:
    (home / "running").write_text("offline\n")
    assert "systemd does not run on this machine" in deploy(agent).exit["message"]
    assert not (home / ".config").exists()


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

"""The one line that a person copies from the portal, really run by shells, and what then runs."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from html import unescape
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.processes import Processes, wait_until
from tests.support.server import API_KEY, PASSWORD, USERNAME, OctopusServer

NOBODY = 65534
SPACE = "/api/Spaces-1"


@pytest.fixture
def environment(octopus: OctopusServer, request: pytest.FixtureRequest) -> str:
    name = f"Test {request.node.name}"
    octopus.call("POST", f"{SPACE}/environments", {"Name": name})
    return name


@pytest.fixture
def outsider() -> Iterator[Path]:
    """Give the home of a user who is not root."""
    folder = Path(tempfile.mkdtemp(prefix="octopus-test-"))
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    yield folder
    shutil.rmtree(folder)


def shell(
    line: str, *, name: str = "sh", prefix: tuple[str, ...] = (), **environment: str
) -> tuple[int, str]:
    done = subprocess.run(
        [*prefix, name, "-c", line],
        env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def shown_line(octopus: OctopusServer, environment: str) -> str:
    """Return the line that the page shows to a signed-in person."""
    cookies = CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies))
    sign_in = json.dumps({"Username": USERNAME, "Password": PASSWORD}).encode()
    headers = {"Content-Type": "application/json"}
    browser.open(urllib.request.Request(f"{octopus.url}/api/users/login", sign_in, headers))
    page = f"{octopus.url}/app/Spaces-1/infrastructure/targets/add"
    form = browser.open(page).read().decode()
    token = re.search(r'name="csrf_token" value="([^"]+)"', form)
    known = {e["Name"]: e["Id"] for e in octopus.call("GET", f"{SPACE}/environments/all")}
    assert token is not None
    fields = {"csrf_token": token[1], "environments": known[environment], "roles": "web"}
    shown = browser.open(page, urlencode(fields).encode()).read().decode()
    line = re.search(r'data-copy="([^"]*install\.sh[^"]*)"', shown)
    assert line is not None
    return unescape(line[1])


def line_for(octopus: OctopusServer, name: str, environment: str, shell_name: str = "sh") -> str:
    return (
        f"curl -fsSL {octopus.url}/tentacle/install.sh | {shell_name} -s -- --no-service"
        f" --name {name} --role web --environment '{environment}'"
    )


def machine(octopus: OctopusServer, name: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = octopus.call("GET", f"{SPACE}/machines/all")
    return next(each for each in found if each["Name"] == name)


def test_two_instances_from_the_shown_line_and_by_dash_live_side_by_side(
    octopus: OctopusServer, processes: Processes, environment: str, tmp_path: Path
) -> None:
    program = tmp_path / "a program"
    homes = {name: tmp_path / name for name in ("one", "two")}
    more = f" --no-service --install-dir '{program}' --home {homes['one']} --name one"
    code, text = shell(shown_line(octopus, environment) + more)
    assert code == 0, text
    assert "Registered as one (Machines-" in text
    assert f"Start the agent with: {program}/tentacle run --home {homes['one']}" in text
    second = line_for(octopus, "two", environment, "dash")
    second += f" --install-dir='{program}' --home={homes['two']} --instance Second"
    code, text = shell(second, TENTACLE_API_KEY=API_KEY)
    assert code == 0, text
    digest = octopus_digest(octopus)
    assert hashlib.sha256((program / "tentacle.pyz").read_bytes()).hexdigest() == digest
    assert sorted(path.name for path in program.iterdir()) == ["tentacle", "tentacle.pyz"]
    for name, home in homes.items():
        processes.start(f"tentacle-{name}", [program / "tentacle", "run", "--home", home])
    wait_until(
        lambda: all(machine(octopus, name)["HealthStatus"] == "Healthy" for name in homes),
        seconds=30,
        what="two agents",
    )
    status = subprocess.run(
        [program / "tentacle", "status", "--home", homes["two"], "--json"],
        capture_output=True,
        check=True,
    )
    told = json.loads(status.stdout)
    assert (told["name"], told["running"]) == ("two", True)
    assert told["machine"] == machine(octopus, "two")["Id"]
    assert machine(octopus, "one")["Id"] != machine(octopus, "two")["Id"]


def octopus_digest(octopus: OctopusServer) -> str:
    with urllib.request.urlopen(f"{octopus.url}/agent/v1/tentacle.pyz.sha256") as answer:
        return str(answer.read().decode().split()[0])


def test_who_is_not_root_installs_below_home(
    octopus: OctopusServer, environment: str, outsider: Path
) -> None:
    is_root = os.geteuid() == 0
    drop = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs")
    code, text = shell(
        line_for(octopus, "mine", environment).replace("--no-service ", ""),
        prefix=drop if is_root else (),
        TENTACLE_API_KEY=API_KEY,
        HOME=str(outsider),
        PATH="/usr/bin:/bin",
    )
    assert code == 0, text
    assert "No service was installed: that needs root and systemd." in text
    assert f"Start the agent with: {outsider}/.local/bin/tentacle run" in text
    assert (outsider / ".local/bin/tentacle").resolve().parent.name == "octopus-tentacle"
    config = outsider / ".local/share/octopus-tentacle/Tentacle/config.json"
    assert json.loads(config.read_text())["name"] == "mine"


def test_a_machine_with_an_old_python_is_told_what_to_do(
    octopus: OctopusServer, tmp_path: Path
) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "curl", "uname", "id"):
        found = shutil.which(name)
        assert found is not None
        (tools / name).symlink_to(found)
    line = f"curl -fsSL {octopus.url}/tentacle/install.sh | sh -s -- --no-service"
    code, text = shell(line, PATH=str(tools))
    assert code == 1
    assert "needs Python 3.11 or newer, and this machine has no python3" in text
    # A program that answers as Python 3.9 does.
    old = tools / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2 && exit\nexit 1\n')
    old.chmod(0o755)
    code, text = shell(line, PATH=str(tools))
    assert code == 1
    assert "this machine has Python 3.9.2" in text
    assert "apt-get install python3" in text


def test_nothing_is_installed_that_is_damaged_or_cut(
    octopus: OctopusServer, tmp_path: Path
) -> None:
    with urllib.request.urlopen(f"{octopus.url}/tentacle/install.sh") as answer:
        script = answer.read().decode()
    cut = tmp_path / "cut.sh"
    cut.write_text(script[: script.rindex("main")])
    assert shell(f"sh {cut} --install-dir {tmp_path}/program") == (0, "")
    other = tmp_path / "other"
    (other / "agent/v1").mkdir(parents=True)
    (other / "agent/v1/tentacle.pyz").write_bytes(b"not what was named")
    (other / "agent/v1/tentacle.pyz.sha256").write_text(f"{'0' * 64}  tentacle.pyz\n")
    damaged = tmp_path / "damaged.sh"
    damaged.write_text(script.replace(octopus.url, f"file://{other}"))
    code, text = shell(f"dash {damaged} --install-dir {tmp_path}/program")
    assert code == 1
    assert "the download is damaged" in text
    assert list((tmp_path / "program").iterdir()) == []

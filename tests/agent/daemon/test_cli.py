"""The `tentacle` program as a person uses it: its messages, codes and files."""

import json
import os
import subprocess
import sys
from pathlib import Path

from agent.runtime import config
from agent.runtime.service import unit_name, unit_text
from agent.runtime.zipapp import build
from tests.agent.daemon.gateway import Daemon, Gateway
from tests.agent.daemon.web import Web


def tentacle(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "agent.runtime.cli", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def register(web: Web, home: Path, *more: str, **environment: str) -> tuple[int, str]:
    done = tentacle("register", "--server", web.url, "--home", str(home), *more, **environment)
    return done.returncode, done.stdout + done.stderr


def test_register_sends_everything_and_keeps_it_private(web: Web, tmp_path: Path) -> None:
    home = tmp_path / "home"
    code, text = register(
        web,
        home,
        *("--name", "web-1", "--space", "Ops", "--environment", "Test", "--environment", "Live"),
        *("--role", "web", "--tenant", "Acme", "--tenanttag", "Tier/Gold", "--policy", "Strict"),
        TENTACLE_API_KEY="API-SECRET",
    )
    assert code == 0, text
    assert "Machines-7" in text
    [(method, path, headers, body)] = web.requests
    assert (method, path) == ("POST", "/agent/v1/register")
    assert headers["x-octopus-apikey"] == "API-SECRET"
    sent = json.loads(body)
    assert sent["name"] == "web-1"
    assert sent["environments"] == ["Test", "Live"]
    assert sent["tenantTags"] == ["Tier/Gold"]
    assert (sent["machinePolicy"], sent["force"], sent["isWorker"]) == ("Strict", False, False)
    settled, credential = config.load(home)
    assert credential == "s" * 64
    assert settled.thumbprint == "ab" * 32
    assert settled.server_url == web.url
    assert (home.stat().st_mode & 0o777) == 0o711
    for name in ("config.json", "credential"):
        assert ((home / name).stat().st_mode & 0o777) == 0o600
    assert "API-SECRET" not in (home / "config.json").read_text()


def test_register_by_token_from_a_file_as_a_worker(web: Web, tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("TOKEN-1\n")
    code, text = register(
        web,
        tmp_path / "home",
        *("--worker", "--workerpool", "Pool"),
        TENTACLE_TOKEN_FILE=str(secret),
    )
    assert code == 0, text
    _, _, headers, body = web.requests[0]
    assert headers["authorization"] == "Bearer TOKEN-1"
    assert json.loads(body)["workerPools"] == ["Pool"]


def test_register_explains_why_it_did_not(web: Web, tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert register(web, home) == (
        1,
        "Give --apiKey or --token, or set TENTACLE_API_KEY or TENTACLE_TOKEN.\n",
    )
    web.answer = (409, {"ErrorMessage": "A machine web-1 exists.", "Errors": ["Use force."]})
    code, text = register(web, home, "--token", "T")
    assert (code, text) == (1, "Not registered: A machine web-1 exists. Use force.\n")
    assert not (home / "config.json").exists()
    done = tentacle("register", "--server", "http://example.com", "--token", "T", "--home", "x")
    assert "--allow-plain" in done.stderr
    done = tentacle("register", "--server", "http://127.0.0.1:1", "--token", "T", "--home", "x")
    assert "cannot be reached" in done.stderr
    assert "Traceback" not in done.stderr


def test_register_again_needs_force(web: Web, tmp_path: Path) -> None:
    assert register(web, tmp_path, "--token", "T")[0] == 0
    code, text = register(web, tmp_path, "--token", "T")
    assert code == 1
    assert "--force" in text
    assert register(web, tmp_path, "--token", "T", "--force")[0] == 0
    assert json.loads(web.requests[-1][3])["force"] is True


def test_deregister_removes_the_registration(web: Web, tmp_path: Path) -> None:
    register(web, tmp_path, "--token", "T")
    done = tentacle("deregister", "--home", str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "Deregistered.\n")
    method, _, headers, _ = web.requests[-1]
    assert (method, headers["authorization"]) == ("DELETE", f"Bearer {'s' * 64}")
    done = tentacle("run", "--home", str(tmp_path))
    assert done.returncode == 1
    assert "tentacle register" in done.stderr


async def test_status_and_a_second_daemon(gateway: Gateway, daemon: Daemon) -> None:
    home = str(daemon.home)
    done = tentacle("status", "--home", home, "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["running"] is True
    again = tentacle("run", "--home", home)
    assert again.returncode == 1
    assert "already running" in again.stderr
    await daemon.stop()
    done = tentacle("status", "--home", home)
    assert done.returncode == 3
    assert "running: False" in done.stdout


def test_the_unit_leaves_scripts_alone(tmp_path: Path) -> None:
    text = unit_text(tmp_path / "50% off", "Web One", "deploy")
    assert "KillMode=process" in text
    assert "User=deploy" in text
    assert "50%% off" in text
    assert unit_name("Web One") == "octopus-tentacle-web-one.service"


def test_numbers_of_the_configuration_are_checked(web: Web, tmp_path: Path) -> None:
    assert register(web, tmp_path, "--token", "T")[0] == 0
    file = tmp_path / "config.json"
    values = json.loads(file.read_text())
    assert values["package_cache_bytes"] == 10 * 1024**3
    for bad in (-1, "10 GB", True, None):
        file.write_text(json.dumps({**values, "package_cache_bytes": bad}))
        done = tentacle("run", "--home", str(tmp_path))
        assert (done.returncode, done.stderr) == (
            1,
            f"package_cache_bytes in {file} must be a number, 0 or more.\n",
        )


def test_service_commands_explain_what_is_missing() -> None:
    for action in ("start", "stop", "status", "uninstall"):
        done = tentacle("service", action, "--instance", "none such")
        assert done.returncode == 1
        assert "octopus-tentacle-none-such.service is not installed" in done.stderr


def test_the_zipapp_is_the_same_every_time_and_runs_alone(tmp_path: Path) -> None:
    first, second = tmp_path / "agent.pyz", tmp_path / "again.pyz"
    assert build(first) == build(second)
    assert first.read_bytes() == second.read_bytes()
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(first), "status", "--home", str(tmp_path / "none")],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 1
    assert "tentacle register" in done.stderr

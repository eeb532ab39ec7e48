"""Run the demo: `python -m octopus_site.demo`; with ONCE=1 it ends after the journey."""

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from octopus_site.conf import ConfigurationError
from octopus_site.demo import journey, sample
from octopus_site.demo.client import Client, RequestFailed
from octopus_site.up.built_in_worker import is_registered
from octopus_site.up.supervisor import Supervisor, agent_environment, say, stop_on_signals


def main() -> int:
    """Run the journey; the exit code is 0 only when every file was compared and is right."""
    supervisor = Supervisor(lambda text: say(f"  {text}"))
    stop = stop_on_signals()
    try:
        _run(supervisor)
        if os.environ.get("ONCE") == "1":
            return 0
        say("Serving until Ctrl-C.")
        stop.wait()
    except (journey.JourneyFailed, RequestFailed) as error:
        say(f"The demo failed: {error}")
        say(f"The logs are in {supervisor.configuration.data_dir / 'logs'}.")
        return 1
    except KeyboardInterrupt:
        say("")
    finally:
        supervisor.stop()
    return 0


def _run(supervisor: Supervisor) -> None:
    started = time.monotonic()
    folder = Path(os.environ.get("OCTOPUS_DATA_DIR", "data")).absolute()
    account = _account(folder)
    _heading("Start the server: web, gateway, worker, beat, Redis")
    supervisor.start()
    _keep_account(folder, account)
    supervisor.start_built_in_worker()
    server = supervisor.configuration.server_url
    client = Client(f"http://127.0.0.1:{supervisor.configuration.web_port}", account["api_key"])
    _heading("Sign in and set up environments, project, process and variables")
    client.post(
        "/api/users/login", {"Username": account["username"], "Password": account["password"]}
    )
    environment_ids = journey.prepare_environments(client)
    project_id = journey.prepare_project(client, environment_ids)
    _heading("Start two Tentacles")
    for machine in sample.MACHINES:
        _start_tentacle(supervisor, client, machine, account["api_key"])
    journey.wait_for_targets(client)
    version = journey.push_package(client)
    _heading(f"Pushed {sample.PACKAGE_ID} {version}")
    release = journey.create_release(client, project_id, version)
    _heading(f"Created release {release.release_version}")
    task_id = ""
    for environment in sample.ENVIRONMENTS:
        _heading(f"Deploy {release.release_version} to {environment}")
        task_id = journey.deploy(client, release, environment, say)
    compared = _compare_all(folder, release)
    _heading(f"Compared {compared} files on {len(sample.MACHINES)} agents: all as they must be")
    say(f"  Done in {time.monotonic() - started:.1f} s.")
    say("")
    say(f"  Portal      {server}/app")
    say(f"  User name   {account['username']}")
    say(f"  Password    {account['password']}")
    say(f"  API key     {account['api_key']}")
    say(f"  Deployment  {server}/app/Spaces-1/tasks/{task_id}")
    say("")


def _heading(text: str) -> None:
    say(f"==> {text}")


def _account(folder: Path) -> dict[str, str]:
    """Return the administrator: of an earlier run, of the settings, or new; sets ADMIN_*."""
    path = folder / "demo.json"
    if path.exists():
        stored: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
        return stored
    account = {
        "username": os.environ.get("ADMIN_USERNAME") or "admin",
        "password": os.environ.get("ADMIN_PASSWORD") or secrets.token_urlsafe(12),
        "api_key": os.environ.get("ADMIN_API_KEY") or f"API-{secrets.token_hex(16).upper()}",
    }
    for name, value in account.items():
        os.environ[f"ADMIN_{name.upper()}"] = value
    return account


def _keep_account(folder: Path, account: dict[str, str]) -> None:
    descriptor = os.open(folder / "demo.json", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(account, file)


def _start_tentacle(supervisor: Supervisor, client: Client, machine: str, api_key: str) -> None:
    home = supervisor.configuration.data_dir / "tentacles" / machine
    if not is_registered(home, supervisor.configuration):
        environments = [part for name in sample.ENVIRONMENTS for part in ("--environment", name)]
        command = [
            *(sys.executable, "-m", "agent.runtime.cli", "register"),
            *("--server", client.server, "--home", str(home), "--name", machine),
            *("--role", sample.ROLE, "--force", *environments),
        ]
        result = subprocess.run(
            command,
            env={**agent_environment(), "TENTACLE_API_KEY": api_key},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            raise journey.JourneyFailed(f"{machine} cannot register: {result.stderr.strip()}")
    supervisor.add_agent(machine, home)


def _compare_all(folder: Path, release: journey.Released) -> int:
    """Compare every expected file on every agent in every environment; returns how many."""
    problems: list[str] = []
    compared = 0
    for machine in sample.MACHINES:
        for environment in sample.ENVIRONMENTS:
            expected = sample.expected_files(
                environment=environment,
                machine=machine,
                release=release.release_version,
                version=release.package_version,
            )
            installed = (
                folder
                / "tentacles"
                / machine
                / "applications"
                / environment
                / sample.PACKAGE_ID
                / release.package_version
            )
            problems += _differences(installed, dict(expected))
            compared += len(expected)
    wanted = len(sample.MACHINES) * len(sample.ENVIRONMENTS) * len(expected)
    if compared != wanted:
        problems.append(f"{wanted - compared} comparisons were left out")
    if problems:
        raise journey.JourneyFailed("; ".join(problems))
    return compared


def _differences(installed: Path, expected: dict[str, bytes]) -> Iterator[str]:
    found = {
        str(path.relative_to(installed)): path.read_bytes()
        for path in sorted(installed.rglob("*"))
        if path.is_file()
    }
    for name in sorted(expected.keys() | found.keys()):
        if found.get(name) != expected.get(name):
            kind = (
                "is missing"
                if name not in found
                else "must not be there"
                if name not in expected
                else "is different"
            )
            yield f"{installed / name} {kind}"


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        raise SystemExit(1) from error

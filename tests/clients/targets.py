"""Agents for the clients' journeys: real Tentacle processes, and what is deployed to them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.processes import Processes, wait_until
from tests.support.server import API_KEY, TENTACLE, OctopusServer

ROLE = "web"
TEMPLATE = (
    b"environment = #{Octopus.Environment.Name}\r\n"
    b"machine = #{Octopus.Machine.Name}\r\n"
    b"release = #{Octopus.Release.Number}\r\n"
    b"untouched = ##{Anything} \xc3\xa4\n"
)


@dataclass(frozen=True)
class Target:
    """An agent to be: its machine's name and the environments it serves."""

    name: str
    environments: Sequence[str]


def start_targets(
    processes: Processes,
    server: OctopusServer,
    folder: Path,
    targets: Iterable[Target],
    *,
    space: str = "Spaces-1",
) -> None:
    """Register the agents, start them and wait until the server sees them healthy."""
    targets = list(targets)
    for target in targets:
        home = folder / "agents" / target.name
        named = [word for name in target.environments for word in ("--environment", name)]
        registration = processes.start(
            f"register-{target.name}",
            [
                *(str(TENTACLE), "register", "--server", server.url, "--name", target.name),
                *("--space", space, "--role", ROLE, "--home", str(home), *named),
            ],
            environment={"TENTACLE_API_KEY": API_KEY},
        )
        assert registration.wait_for_exit() == 0, registration.log()
        processes.start(f"tentacle-{target.name}", [TENTACLE, "run", "--home", home])

    def healthy() -> bool:
        machines = server.call("GET", f"/api/{space}/machines/all")
        states = {machine["Name"]: machine["HealthStatus"] for machine in machines}
        return all(states[target.name] == "Healthy" for target in targets)

    wait_until(healthy, seconds=60, what="the agents")


def deployed(environment: str, machine: str, release: str) -> bytes:
    """Return what the template must have become, byte for byte."""
    return (
        f"environment = {environment}\r\nmachine = {machine}\r\nrelease = {release}\r\n"
        "untouched = #{Anything} \u00e4\n"
    ).encode()


def install_folder(folder: Path, package_id: str, environment: str, machine: str) -> Path:
    """Return where the process installs the package on a machine."""
    return folder / "www" / environment / machine / package_id


def process_steps(folder: Path, package_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return steps: say something on the server, deploy each package on each target, look at it."""
    here = f"{folder}/www/#{{Octopus.Environment.Name}}/#{{Octopus.Machine.Name}}"
    look = f'for name in {" ".join(package_ids)}; do ls "{here}/$name/content"; done\necho looked\n'
    look += 'echo "seen on $HOSTNAME" > seen.txt; new_octopusartifact seen.txt\n'
    return [
        _step("Announce", _script('echo "release #{Octopus.Release.Number} comes"\n', server=True)),
        *(_step(f"Deploy {name}", _deploy(name, f"{here}/{name}"), ROLE) for name in package_ids),
        _step("Look", _script(look), ROLE),
    ]


def step_of_script(name: str, body: str) -> dict[str, Any]:
    """Return a step that runs the script on behalf of the server."""
    return _step(name, _script(body, server=True))


def _step(name: str, action: dict[str, Any], role: str = "") -> dict[str, Any]:
    return {
        "Id": "",
        "Name": name,
        "PackageRequirement": "LetOctopusDecide",
        "Condition": "Success",
        "StartTrigger": "StartAfterPrevious",
        "Properties": {"Octopus.Action.TargetRoles": role} if role else {},
        "Actions": [{"Id": "", "Name": name, "IsDisabled": False, "Packages": [], **action}],
    }


def _script(body: str, *, server: bool = False) -> dict[str, Any]:
    properties = {
        "Octopus.Action.Script.ScriptSource": "Inline",
        "Octopus.Action.Script.Syntax": "Bash",
        "Octopus.Action.Script.ScriptBody": body,
        "Octopus.Action.RunOnServer": "true" if server else "false",
    }
    return {"ActionType": "Octopus.Script", "Properties": properties}


def _deploy(package_id: str, folder: str) -> dict[str, Any]:
    features = "Octopus.Features.CustomDirectory,Octopus.Features.SubstituteInFiles"
    properties = {
        "Octopus.Action.Package.PackageId": package_id,
        "Octopus.Action.Package.FeedId": "feeds-builtin",
        "Octopus.Action.EnabledFeatures": features,
        "Octopus.Action.Package.CustomInstallationDirectory": folder,
        "Octopus.Action.SubstituteInFiles.TargetFiles": "content/*.txt",
    }
    package = {
        "Id": "",
        "Name": "",
        "PackageId": package_id,
        "FeedId": "feeds-builtin",
        "AcquisitionLocation": "Server",
        "Properties": {},
    }
    return {
        "ActionType": "Octopus.TentaclePackage",
        "Packages": [package],
        "Properties": properties,
    }

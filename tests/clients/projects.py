"""A project with a process of its own on a real server: made, and what its tasks said."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tests.clients.targets import ROLE
from tests.support.server import OctopusServer

SPACE: Final = "/api/Spaces-1"
FEED: Final = {"FeedId": "feeds-builtin", "AcquisitionLocation": "Server", "Properties": {}}


def make_environment(octopus: OctopusServer, name: str) -> str:
    """Return the id of a new environment."""
    made: str = octopus.call("POST", f"{SPACE}/environments", {"Name": name})["Id"]
    return made


def make_project(octopus: OctopusServer, name: str, environment: str, **more: Any) -> str:
    """Return the id of a project that goes to the environment alone.

    The default lifecycle begins with the environments of other tests.
    """
    phase = {"Name": "Only", "OptionalDeploymentTargets": [environment]}
    lifecycle = octopus.call("POST", f"{SPACE}/lifecycles", {"Name": name, "Phases": [phase]})
    groups = octopus.call("GET", f"{SPACE}/projectgroups/all")
    body = {
        "Name": name,
        "ProjectGroupId": groups[0]["Id"],
        "LifecycleId": lifecycle["Id"],
        **more,
    }
    made: str = octopus.call("POST", f"{SPACE}/projects", body)["Id"]
    return made


def set_variables(
    octopus: OctopusServer,
    project: str,
    plain: Mapping[str, str],
    secret: Mapping[str, str],
    **certificates: str,
) -> None:
    """Give the project its variables; certificates by their ids."""
    variables: list[dict[str, Any]] = [
        {"Id": "", "Name": name, "Value": value, "Scope": {}} for name, value in plain.items()
    ]
    variables += [
        {"Id": "", "Name": name, "Value": value, "IsSensitive": True, "Type": "Sensitive"}
        for name, value in secret.items()
    ]
    variables += [
        {"Id": "", "Name": name, "Value": value, "Type": "Certificate"}
        for name, value in certificates.items()
    ]
    path = f"{SPACE}/projects/{project}/variables"
    version = octopus.call("GET", path)["Version"]
    octopus.call("PUT", path, {"Version": version, "Variables": variables, "ScopeValues": {}})


def set_steps(octopus: OctopusServer, project: str, steps: Sequence[Mapping[str, Any]]) -> None:
    """Give the project its process."""
    path = f"{SPACE}/projects/{project}/deploymentprocesses"
    version = octopus.call("GET", path)["Version"]
    octopus.call("PUT", path, {"Version": version, "Steps": steps})


def step(
    name: str,
    kind: str,
    properties: Mapping[str, str],
    packages: Sequence[Mapping[str, Any]] = (),
    *,
    condition: str = "Success",
) -> dict[str, Any]:
    """Return a step on the targets with the role; a package without a name is the step's own."""
    given = dict(properties)
    for each in packages:
        if not each["Name"]:
            given["Octopus.Action.Package.PackageId"] = each["PackageId"]
            given["Octopus.Action.Package.FeedId"] = each["FeedId"]
    action = {"Name": name, "ActionType": kind, "Packages": packages, "Properties": given}
    return {
        "Name": name,
        "Condition": condition,
        "Properties": {"Octopus.Action.TargetRoles": ROLE},
        "Actions": [action],
    }


def package(package_id: str) -> dict[str, Any]:
    """Return the reference to a step's own package."""
    return {"Name": "", "PackageId": package_id, **FEED}


def script(body: str) -> dict[str, str]:
    """Return the properties of an inline script in Bash."""
    return {
        "Octopus.Action.Script.ScriptSource": "Inline",
        "Octopus.Action.Script.Syntax": "Bash",
        "Octopus.Action.Script.ScriptBody": body,
    }


def log_of(octopus: OctopusServer, task: Mapping[str, Any]) -> str:
    """Return the whole log of a task."""
    return octopus.read(f"/api/tasks/{task['Id']}/raw").decode()

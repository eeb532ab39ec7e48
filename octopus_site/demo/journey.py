"""The journey over the REST API, as a build server and a release manager would make it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from octopus_site.demo import sample
from octopus_site.demo.client import Client, RequestFailed

Say = Callable[[str], None]
PROJECT = "Acme Web"
_SPACE = "/api/Spaces-1"
_TASK_WITHIN = 180.0
_ONLINE_WITHIN = 60.0


@dataclass(frozen=True)
class Released:
    """One release of the sample and the version of its package."""

    release_version: str
    package_version: str
    project_id: str


class JourneyFailed(Exception):
    """A step of the journey did not end as it must."""


def prepare_environments(client: Client) -> dict[str, str]:
    """Create the environments; returns their ids by name."""
    ids = {}
    for name in sample.ENVIRONMENTS:
        found = client.find("environments", name)
        made = found or client.post(f"{_SPACE}/environments", {"Name": name})
        ids[name] = made["Id"]
    return ids


def prepare_project(client: Client, environment_ids: dict[str, str]) -> str:
    """Create lifecycle, project, process and variables; returns the project's id."""
    project = client.find("projects", PROJECT)
    if project is not None:
        return str(project["Id"])
    lifecycle = client.find("lifecycles", "Acme") or client.post(
        f"{_SPACE}/lifecycles",
        {
            "Name": "Acme",
            "Phases": [
                {"Name": name, "OptionalDeploymentTargets": [environment_ids[name]]}
                for name in sample.ENVIRONMENTS
            ],
        },
    )
    group = client.get(f"{_SPACE}/projectgroups/all")[0]
    project = client.post(
        f"{_SPACE}/projects",
        {
            "Name": PROJECT,
            "Description": "The sample of the demo.",
            "ProjectGroupId": group["Id"],
            "LifecycleId": lifecycle["Id"],
        },
    )
    process_path = f"{_SPACE}/projects/{project['Id']}/deploymentprocesses"
    process = client.get(process_path)
    client.put(process_path, {**process, "Steps": sample.process_steps()})
    variables_path = f"{_SPACE}/variables/{project['VariableSetId']}"
    variables = client.get(variables_path)
    client.put(variables_path, {**variables, "Variables": sample.variables(environment_ids)})
    return str(project["Id"])


def push_package(client: Client) -> str:
    """Push the next version of the sample package; returns the version."""
    page = client.get(f"{_SPACE}/packages?nuGetPackageId={sample.PACKAGE_ID}&take=1")
    version = f"1.0.{page['TotalResults']}"
    client.upload(
        f"{_SPACE}/packages/raw?overwriteMode=FailIfExists",
        f"{sample.PACKAGE_ID}.{version}.zip",
        sample.package(version),
    )
    return version


def create_release(client: Client, project_id: str, package_version: str) -> Released:
    """Create a release with the next number."""
    made = client.post(
        f"{_SPACE}/releases/create/v1",
        {
            "spaceId": "Spaces-1",
            "projectName": PROJECT,
            "packageVersion": package_version,
            "releaseNotes": f"Package {sample.PACKAGE_ID} **{package_version}**.",
        },
    )
    return Released(made["ReleaseVersion"], package_version, project_id)


def wait_for_targets(client: Client) -> None:
    """Wait until both Tentacles are connected."""
    deadline = time.monotonic() + _ONLINE_WITHIN
    while True:
        machines = client.get(f"{_SPACE}/machines/all")
        healthy = {m["Name"] for m in machines if m["HealthStatus"] == "Healthy"}
        if healthy.issuperset(sample.MACHINES):
            return
        if time.monotonic() > deadline:
            missing = ", ".join(sorted(set(sample.MACHINES) - healthy))
            raise JourneyFailed(f"these targets did not connect: {missing}")
        time.sleep(0.3)


def deploy(client: Client, release: Released, environment: str, say: Say) -> str:
    """Deploy and follow the task; returns the task's id."""
    made = client.post(
        f"{_SPACE}/deployments/create/untenanted/v1",
        {
            "spaceId": "Spaces-1",
            "projectName": PROJECT,
            "releaseVersion": release.release_version,
            "environmentNames": [environment],
        },
    )
    task_id = str(made["DeploymentServerTasks"][0]["ServerTaskId"])
    state = _follow(client, task_id, say)
    if state != "Success":
        raise JourneyFailed(f"the deployment to {environment} ended as {state} ({task_id})")
    return task_id


def _follow(client: Client, task_id: str, say: Say) -> str:
    seen: dict[str, str] = {}
    printed: dict[str, int] = {}
    deadline = time.monotonic() + _TASK_WITHIN
    while True:
        details = client.get(f"{_SPACE}/tasks/{task_id}/details?verbose=true")
        for step in details["ActivityLogs"][0]["Children"]:
            _show(step, seen, printed, say)
        task: dict[str, Any] = details["Task"]
        if task["IsCompleted"]:
            say(f"  {task_id}: {task['State']} in {task['Duration']}")
            if task["ErrorMessage"]:
                say(f"  {task['ErrorMessage']}")
            return str(task["State"])
        if time.monotonic() > deadline:
            raise JourneyFailed(f"{task_id} did not end within {_TASK_WITHIN:.0f} s")
        time.sleep(0.3)


def _show(step: dict[str, Any], seen: dict[str, str], printed: dict[str, int], say: Say) -> None:
    if seen.get(step["Id"]) != step["Status"]:
        seen[step["Id"]] = step["Status"]
        moment = (step["Ended"] or step["Started"] or "")[11:19]
        say(f"  {moment:8}  {step['Status']:<9} {step['Name']}")
    for node in step["Children"]:
        lines = node["LogElements"]
        for line in lines[printed.get(node["Id"], 0) :]:
            say(f"      {node['Name']:<14} | {line['MessageText']}")
        printed[node["Id"]] = len(lines)


__all__ = ["JourneyFailed", "Released", "RequestFailed"]

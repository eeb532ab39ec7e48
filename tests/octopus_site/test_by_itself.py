"""Automation in a running server: events, cursors, the beat and the workers together."""

from typing import Any
from uuid import uuid4

from tests.support.processes import wait_until
from tests.support.server import OctopusServer

SCRIPT = {
    "Octopus.Action.RunOnServer": "true",
    "Octopus.Action.Script.ScriptSource": "Inline",
    "Octopus.Action.Script.Syntax": "Bash",
    "Octopus.Action.Script.ScriptBody": "echo hi",
}


class Calls:
    """The REST calls of the test, with names of its own."""

    def __init__(self, octopus: OctopusServer) -> None:
        self.octopus = octopus
        self.run = uuid4().hex[:6]

    def make(self, path: str, **body: Any) -> Any:
        return self.octopus.call("POST", f"/api/Spaces-1/{path}", body)

    def get(self, path: str) -> Any:
        return self.octopus.call("GET", f"/api/Spaces-1/{path}")

    def project(self, dev: str, test: str, live: str) -> Any:
        """Make a project whose releases go to Dev and Test by themselves."""
        lifecycle = self.make(
            "lifecycles",
            Name=f"Life {self.run}",
            Phases=[
                {"Name": "Build", "AutomaticDeploymentTargets": [dev]},
                {"Name": "Verify", "AutomaticDeploymentTargets": [test]},
                {"Name": "Live", "OptionalDeploymentTargets": [live]},
            ],
        )
        group = self.make("projectgroups", Name=f"Group {self.run}")
        project = self.make(
            "projects",
            Name=f"Project {self.run}",
            ProjectGroupId=group["Id"],
            LifecycleId=lifecycle["Id"],
        )
        path = f"projects/{project['Id']}/deploymentprocesses"
        process = self.get(path)
        action = {"Name": "Hello", "ActionType": "Octopus.Script", "Properties": SCRIPT}
        process["Steps"] = [{"Name": "Hello", "Properties": {}, "Actions": [action]}]
        self.octopus.call("PUT", f"/api/Spaces-1/{path}", process)
        return project

    def deployed(self, project: str) -> set[str]:
        """Return the environments that the project was deployed to successfully."""
        found = self.get(f"deployments?projects={project}&taskState=Success&take=50")
        return {row["EnvironmentId"] for row in found["Items"]}


def test_a_release_travels_a_schedule_takes_it_on_and_another_project_follows(
    octopus: OctopusServer,
) -> None:
    calls = Calls(octopus)
    dev, test, live = (
        calls.make("environments", Name=f"{name} {calls.run}")["Id"]
        for name in ("Dev", "Test", "Live")
    )
    project = calls.project(dev, test, live)["Id"]
    follower = calls.make(
        "projects",
        Name=f"Follower {calls.run}",
        **{
            name: calls.get(f"projects/{project}")[name]
            for name in ("ProjectGroupId", "LifecycleId")
        },
    )["Id"]
    calls.make(
        "projecttriggers",
        Name="After the other",
        ProjectId=follower,
        Filter={
            "FilterType": "ProjectFilter",
            "SourceProjectId": project,
            "EnvironmentIds": [test],
        },
        Action={"ActionType": "CreateRelease"},
    )
    calls.make("releases", ProjectId=project, Version="1.0.0")
    wait_until(
        lambda: calls.deployed(project) == {dev, test}, seconds=60, what="the automatic phases"
    )
    wait_until(
        lambda: calls.get(f"projects/{follower}/releases")["TotalResults"] == 1,
        seconds=60,
        what="the project that follows",
    )
    trigger = calls.make(
        "projecttriggers",
        Name="Often",
        ProjectId=project,
        Filter={"FilterType": "CronExpressionSchedule", "CronExpression": "* * * * * *"},
        Action={
            "ActionType": "DeployLatestRelease",
            "SourceEnvironmentIds": [test],
            "DestinationEnvironmentId": live,
            "ShouldRedeployWhenReleaseIsCurrent": False,
        },
    )
    wait_until(lambda: live in calls.deployed(project), seconds=60, what="the schedule")
    octopus.call("DELETE", f"/api/Spaces-1/projecttriggers/{trigger['Id']}")

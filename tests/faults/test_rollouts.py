"""The worker dies while a release goes out to many tenants by itself."""

from collections import Counter
from typing import Any
from uuid import uuid4

import pytest

from tests.faults.lab import Lab
from tests.support.processes import wait_until

_TENANTS = 8
_POINT = "rollout.made"
_SCRIPT = {
    "Octopus.Action.RunOnServer": "true",
    "Octopus.Action.Script.ScriptSource": "Inline",
    "Octopus.Action.Script.Syntax": "Bash",
    "Octopus.Action.Script.ScriptBody": "true",
}


class RollOut:
    """A project for tenants whose releases go to all of them by themselves."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.run = lab, uuid4().hex[:6]
        place = self.make("environments", Name=f"Wide {self.run}")["Id"]
        phase = {"Name": "Only", "AutomaticDeploymentTargets": [place]}
        lifecycle = self.make("lifecycles", Name=f"Wide {self.run}", Phases=[phase])["Id"]
        self.project = self.make(
            "projects",
            Name=f"Wide {self.run}",
            ProjectGroupId=lab.get("projectgroups/all")[0]["Id"],
            LifecycleId=lifecycle,
            TenantedDeploymentMode="Tenanted",
        )["Id"]
        action = {"Name": "Hello", "ActionType": "Octopus.Script", "Properties": _SCRIPT}
        step = {"Name": "Hello", "Properties": {}, "Actions": [action]}
        path = f"/api/Spaces-1/projects/{self.project}/deploymentprocesses"
        lab.server.call("PUT", path, {**lab.server.call("GET", path), "Steps": [step]})
        self.tenants = [
            self.make(
                "tenants",
                Name=f"Tenant {self.run} {number}",
                ProjectEnvironments={self.project: [place]},
            )["Id"]
            for number in range(_TENANTS)
        ]

    def make(self, path: str, **body: Any) -> Any:
        return self.lab.server.call("POST", f"/api/Spaces-1/{path}", body)

    def begin(self) -> None:
        self.make("releases", ProjectId=self.project, Version="1.0.0")

    def deployments(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.lab.get(f"deployments?projects={self.project}&take=100")[
            "Items"
        ]
        return found


@pytest.mark.thorough
def test_the_worker_dies_twice_and_each_tenant_gets_one_deployment(lab: Lab) -> None:
    out = RollOut(lab)
    lab.arm(_POINT)
    out.begin()
    lab.wait_for_hit(_POINT)
    assert out.deployments() == []
    # The first deployment is made slowly, and with the second one the worker dies again.
    lab.arm(_POINT, "sleep:2")
    lab.wait_for_hit(_POINT)
    lab.arm(_POINT)
    lab.wait_for_hit(_POINT)
    assert len(out.deployments()) == 1
    wait_until(lambda: len(out.deployments()) >= _TENANTS, seconds=60, what="the roll-out")
    ended = [lab.wait_for_end(row["TaskId"]) for row in out.deployments()]
    assert Counter(task["State"] for task in ended) == {"Success": _TENANTS}
    assert Counter(row["TenantId"] for row in out.deployments()) == dict.fromkeys(out.tenants, 1)

"""A project whose deployment deploys a release of another one, carried through step by step."""

from typing import Any

from deployments.execution.services.server_actions import run_server_action
from deployments.infrastructure.models import Environment, Machine
from deployments.projects.models import Lifecycle, Project
from deployments.releases.models import Deployment
from tests.factories.domain import (
    make_deployment,
    make_environment,
    make_lifecycle,
    make_machine,
    make_process,
    make_project,
    make_release,
    script_step,
)
from tests.factories.execution import Scene, SettableClock, make_agent
from tests.factories.spaces import default_space

STEP = "Deploy the child"


def child_step(child: Project, name: str = STEP, roles: str = "", **properties: str) -> Any:
    """Return a step that deploys a release of the project."""
    prefix = "Octopus.Action.DeployRelease"
    settings = {f"{prefix}.{key}": text for key, text in properties.items()}
    return {
        "Name": name,
        "Properties": {"Octopus.Action.TargetRoles": roles} if roles else {},
        "Actions": [
            {
                "Name": name,
                "ActionType": "Octopus.DeployRelease",
                "Properties": {f"{prefix}.ProjectId": child.public_id, **settings},
            }
        ],
    }


class World:
    """One environment with a target, a child project with a release, and its parents."""

    def __init__(self, *steps: Any, machines: int = 1) -> None:
        self.clock = SettableClock()
        self.place: Environment = make_environment()
        self.life: Lifecycle = make_lifecycle(self.place)
        self.machines: list[Machine] = [
            make_machine(self.place, name=f"web-{n}") for n in range(1, machines + 1)
        ]
        for machine in self.machines:
            make_agent(machine)
        self.child = make_project("Child", lifecycle=self.life)
        make_process(self.child, *(steps or (script_step("Hello", roles="web"),)))
        self.child_release = make_release(self.child, "1.0.0")

    def parent(self, *more: Any, roles: str = "", begin: bool = True, **properties: str) -> Scene:
        step = child_step(self.child, roles=roles, **properties)
        project = make_project(lifecycle=self.life, steps=[step, *more])
        return self.deploy(project, begin=begin)

    def deploy(self, project: Project, *, begin: bool = True) -> Scene:
        deployment = make_deployment(make_release(project), self.place)
        scene = Scene(deployment, self.place, self.machines, self.clock)
        if begin:
            scene.begin()
            self.work(scene)
        return scene

    def work(self, scene: Scene) -> None:
        """Do what the woken workers do for a deployment."""
        for _ in range(2):
            for row in scene.rows():
                run_server_action(row.pk, clock=self.clock)
            scene.advance()

    def children(self, scene: Scene) -> list[Scene]:
        tasks = [row.follows for row in scene.rows() if row.follows]
        numbers = [int(text.removeprefix("ServerTasks-")) for text in tasks]
        rows = Deployment.objects.in_space(default_space()).filter(task__in=numbers)
        return [Scene(row, self.place, self.machines, self.clock) for row in rows.order_by("pk")]

"""Environments, machines, lifecycles, projects, packages, releases and deployments."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

from deployments.base.models import Space
from deployments.infrastructure.models import Environment, Machine
from deployments.infrastructure.services.environments import create_environment
from deployments.infrastructure.services.machines import MachineInput, create_machine
from deployments.library.services import VariableInput, replace_variables
from deployments.projects.models import Channel, Lifecycle, Project, ProjectGroup
from deployments.projects.process import process_from_json
from deployments.projects.queries import process_of
from deployments.projects.services.channels import ChannelInput, create_channel
from deployments.projects.services.groups import create_project_group
from deployments.projects.services.lifecycles import (
    LifecycleInput,
    PhaseInput,
    create_lifecycle,
)
from deployments.projects.services.processes import save_process
from deployments.projects.services.projects import ProjectInput, create_project
from deployments.releases.models import Deployment, Release
from deployments.releases.services import DeploymentOptions, create_deployment, create_release
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.states import TaskState
from packages_feed.services.store import store_package
from tenants.models import Tenant
from tests.factories.numbers import NUMBERS
from tests.factories.packages import zip_of
from tests.factories.people import SYSTEM
from tests.factories.spaces import default_space


def make_environment(name: str = "", space: Space | None = None, **fields: Any) -> Environment:
    """Create an environment at the end of the order."""
    return create_environment(
        actor=SYSTEM,
        space=space or default_space(),
        name=name or f"Environment {next(NUMBERS)}",
        **fields,
    )


def make_machine(
    *environments: Environment,
    name: str = "",
    roles: Sequence[str] = ("web",),
    **fields: Any,
) -> Machine:
    """Create a target without an agent."""
    machine = MachineInput(
        name=name or f"machine-{next(NUMBERS)}", environments=environments, roles=roles, **fields
    )
    return create_machine(actor=SYSTEM, space=environments[0].space, machine=machine)


def make_lifecycle(*phases: PhaseInput | Environment, name: str = "") -> Lifecycle:
    """Create a lifecycle; an environment stands for a phase of its own."""
    parts = [
        phase if isinstance(phase, PhaseInput) else PhaseInput(phase.name, manual=[phase])
        for phase in phases
    ]
    first = parts[0].manual[0] if parts and parts[0].manual else None
    return create_lifecycle(
        actor=SYSTEM,
        space=first.space if first else default_space(),
        lifecycle=LifecycleInput(name=name or f"Lifecycle {next(NUMBERS)}", phases=parts),
    )


def make_group(name: str = "", space: Space | None = None) -> ProjectGroup:
    """Create a project group."""
    return create_project_group(
        actor=SYSTEM, space=space or default_space(), name=name or f"Group {next(NUMBERS)}"
    )


def make_project(
    name: str = "",
    space: Space | None = None,
    *,
    lifecycle: Lifecycle | None = None,
    group: ProjectGroup | None = None,
    steps: Sequence[Mapping[str, Any]] = (),
    **fields: Any,
) -> Project:
    """Create a project in the space's first group and with its first lifecycle unless told."""
    space = space or (lifecycle.space if lifecycle else default_space())
    project = create_project(
        actor=SYSTEM,
        space=space,
        project=ProjectInput(
            name=name or f"Project {next(NUMBERS)}",
            group=group or ProjectGroup.objects.in_space(space).order_by("id")[0],
            lifecycle=lifecycle or Lifecycle.objects.in_space(space).order_by("id")[0],
            **fields,
        ),
    )
    if steps:
        make_process(project, *steps)
    return project


def make_process(project: Project, *steps: Mapping[str, Any]) -> None:
    """Save the steps as the project's process."""
    save_process(actor=SYSTEM, row=process_of(project), process=process_from_json(steps))


def script_step(
    name: str = "Say hello", *, roles: str = "", body: str = "echo hi", **action: Any
) -> dict[str, Any]:
    """Return a Run a Script step: on the server, or on targets with the roles."""
    properties = {
        "Octopus.Action.RunOnServer": "false" if roles else "true",
        "Octopus.Action.Script.ScriptSource": "Inline",
        "Octopus.Action.Script.Syntax": "Bash",
        "Octopus.Action.Script.ScriptBody": body,
    }
    return {
        "Name": name,
        "Properties": {"Octopus.Action.TargetRoles": roles} if roles else {},
        "Actions": [
            {"Name": name, "ActionType": "Octopus.Script", "Properties": properties, **action}
        ],
    }


def package_step(
    package_id: str, name: str = "Deploy", *, roles: str = "web", **action: Any
) -> dict[str, Any]:
    """Return a Deploy a Package step."""
    package = {"Name": "", "PackageId": package_id, "FeedId": "feeds-builtin"}
    return {
        "Name": name,
        "Properties": {"Octopus.Action.TargetRoles": roles},
        "Actions": [
            {
                "Name": name,
                "ActionType": "Octopus.TentaclePackage",
                "Packages": [package],
                "Properties": {},
                **action,
            }
        ],
    }


def make_channel(project: Project, name: str = "", **fields: Any) -> Channel:
    """Create a channel."""
    channel = ChannelInput(name=name or f"Channel {next(NUMBERS)}", **fields)
    return create_channel(actor=SYSTEM, project=project, channel=channel)


def make_variables(project: Project, *variables: VariableInput) -> None:
    """Make these the project's variables."""
    assert project.variable_set is not None
    replace_variables(actor=SYSTEM, variable_set=project.variable_set, variables=variables)


def make_package(
    package_id: str = "Acme.Web", version: str = "1.0.0", space: Space | None = None
) -> None:
    """Push a small zip package."""
    data = zip_of({"app.txt": f"{package_id} {version}".encode()})
    store_package(
        actor=SYSTEM,
        space=space or default_space(),
        file=io.BytesIO(data),
        file_name=f"{package_id}.{version}.zip",
    )


def make_release(project: Project, version: str = "", **fields: Any) -> Release:
    """Cut a release."""
    return create_release(actor=SYSTEM, project=project, version=version, **fields)


def make_deployment(
    release: Release,
    environment: Environment,
    *,
    state: str = "",
    tenant: Tenant | None = None,
    **options: Any,
) -> Deployment:
    """Queue a deployment; with a state its task is put into it, as if it had run."""
    deployment = create_deployment(
        actor=SYSTEM,
        release=release,
        environment=environment,
        tenant=tenant,
        options=DeploymentOptions(**options),
    )
    if state:
        finish(deployment, state)
    return deployment


def finish(deployment: Deployment, state: str = TaskState.SUCCESS) -> None:
    """Put the deployment's task into a state."""
    tasks = ServerTask.objects.in_space(deployment.space).filter(pk=deployment.task_id)
    tasks.update(state=state, completed=deployment.created)

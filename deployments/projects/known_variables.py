"""System variables that say where work is done; known before anything is deployed."""

from collections.abc import Iterable

from deployments.base.models import Space
from deployments.infrastructure.models import Environment
from deployments.projects.models import Project


def project_variables(project: Project, space: Space) -> dict[str, str]:
    """Return what is known of the project."""
    return {
        "Octopus.Project.Id": project.public_id,
        "Octopus.Project.Name": project.name,
        "Octopus.ProjectGroup.Id": project.group.public_id,
        "Octopus.ProjectGroup.Name": project.group.name,
        "Octopus.Space.Id": space.public_id,
        "Octopus.Space.Name": space.name,
    }


def environment_variables(environment: Environment) -> dict[str, str]:
    """Return what is known of the environment."""
    return {
        "Octopus.Environment.Id": environment.public_id,
        "Octopus.Environment.Name": environment.name,
        "Octopus.Environment.SortOrder": str(environment.sort_order),
    }


def machine_variables(machine_id: str, name: str, roles: Iterable[str]) -> dict[str, str]:
    """Return what is known of the target."""
    return {
        "Octopus.Machine.Id": machine_id,
        "Octopus.Machine.Name": name,
        "Octopus.Machine.Roles": ",".join(roles),
    }


def step_variables(step_id: str, name: str, number: int) -> dict[str, str]:
    """Return what is known of the step."""
    return {
        "Octopus.Step.Id": step_id,
        "Octopus.Step.Name": name,
        "Octopus.Step.Number": str(number),
    }


def action_variables(
    action_id: str, name: str, number: str, roles: Iterable[str]
) -> dict[str, str]:
    """Return what is known of the action; `roles` are those that its step asks for."""
    return {
        "Octopus.Action.Id": action_id,
        "Octopus.Action.Name": name,
        "Octopus.Action.Number": number,
        "Octopus.Action.TargetRoles": ",".join(roles),
    }

"""Variable sets in the form of the wire, and back."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from deployments.base.actor import Actor
from deployments.base.api.links import space_path
from deployments.base.models import Space
from deployments.infrastructure.models import Environment, Machine
from deployments.infrastructure.queries import visible_roles
from deployments.library.services.reading import prompt_resource
from deployments.library.values import VariableDocument
from deployments.projects.models import Project
from deployments.projects.queries import channels_of, process_of, read_process, visible_runbooks
from deployments.projects.tenant_tags import tenant_tags_of


def set_resource(
    *,
    space_id: str,
    set_id: str,
    owner_id: str,
    version: int,
    variables: Sequence[VariableDocument],
    scope_values: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the resource of a variable set or of its snapshot."""
    return {
        "Id": set_id,
        "OwnerId": owner_id,
        "SpaceId": space_id,
        "Version": version,
        "Variables": [variable_resource(document) for document in variables],
        "ScopeValues": scope_values,
        "Links": {"Self": space_path(space_id, "variables", set_id)},
    }


def variable_resource(document: VariableDocument) -> dict[str, Any]:
    """Return one variable; the value of a sensitive one never leaves the server."""
    prompt = document["prompt"]
    return {
        "Id": document["id"],
        "Name": document["name"],
        "Value": None if document["is_sensitive"] else document["value"],
        "Description": document["description"],
        "Type": document["kind"],
        "IsSensitive": document["is_sensitive"],
        "IsEditable": True,
        "Scope": document["scope"],
        "Prompt": prompt_resource(prompt) if prompt else None,
    }


def scope_values(actor: Actor, project: Project) -> dict[str, list[dict[str, Any]]]:
    """Return what values may be scoped to, of which the actor sees it."""
    space = project.space
    runbooks = visible_runbooks(actor, project)
    processes = [read_process(process_of(project)), *(process for _, process in runbooks)]
    roles = {
        role.lower(): role
        for process in processes
        for step in process.steps
        for role in step.target_roles
    }
    return {
        **library_scope_values(actor, space, roles),
        # Clients find a step by the first of its name: those of the deployment process go first.
        "Actions": [
            _reference(action.id, action.name)
            for process in processes
            for _, action in process.actions()
        ],
        "Channels": _references(channels_of(project)),
        "Processes": [
            {**_reference(project.public_id, project.name), "ProcessType": "Deployment"},
            *(
                {**_reference(row.public_id, row.name), "ProcessType": "Runbook"}
                for row, _ in runbooks
            ),
        ],
    }


def library_scope_values(
    actor: Actor, space: Space, more_roles: Mapping[str, str] | None = None
) -> dict[str, list[dict[str, Any]]]:
    """Return what values of any owner may be scoped to; `more_roles` by name in lower case."""
    roles = {**(more_roles or {}), **{role.lower(): role for role in visible_roles(actor, space)}}
    return {
        **no_scope_values(),
        "Environments": _references(
            Environment.objects.visible_to(actor, space, "EnvironmentView")
        ),
        "Machines": _references(Machine.objects.visible_to(actor, space, "MachineView")),
        "Roles": [_reference(roles[key], roles[key]) for key in sorted(roles)],
        "TenantTags": [_reference(name, name.partition("/")[2]) for name in tenant_tags_of(space)],
    }


def no_scope_values() -> dict[str, list[dict[str, Any]]]:
    """Return the empty form, for a set that nobody edits."""
    names = ("Environments", "Machines", "Roles", "Actions", "Channels", "TenantTags", "Processes")
    return {name: [] for name in names}


def _references(rows: Iterable[Any]) -> list[dict[str, Any]]:
    return [_reference(row.public_id, row.name) for row in rows]


def _reference(public_id: str, name: str) -> dict[str, Any]:
    return {"Id": public_id, "Name": name}

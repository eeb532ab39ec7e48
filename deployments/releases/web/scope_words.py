"""Scopes of variables in words."""

from deployments.access.permissions import Permission
from deployments.access.web.pages import PageRequest
from deployments.infrastructure.models import Machine
from deployments.projects.queries import channels_of, process_of, read_process, visible_runbooks
from deployments.releases.models import Frozen
from deployments.releases.queries import process_of_release
from deployments.releases.web.frames import visible_environments


def scope_words(request: PageRequest, frozen: Frozen, scope: dict[str, list[str]]) -> list[str]:
    """Return the values of a scope in words; names are read once for a request."""
    names: dict[str, str] | None = getattr(request, "scope_names", None)
    if names is None:
        names = {row.public_id: row.name for row in visible_environments(request)}
        machines = Machine.objects.visible_to(request.actor, request.space, Permission.MachineView)
        names |= {
            f"Machines-{pk}": f"target: {name}" for pk, name in machines.values_list("pk", "name")
        }
        names |= {row.public_id: f"channel: {row.name}" for row in channels_of(frozen.project)}
        names |= _of_processes(request, frozen)
        request.scope_names = names  # type: ignore[attr-defined]  # kept for this request
    return [names.get(value, value) for values in scope.values() for value in values]


def _of_processes(request: PageRequest, frozen: Frozen) -> dict[str, str]:
    """Return words for processes and steps; those of the frozen process are as it has them."""
    project = frozen.project
    names = {project.public_id: "process: Deployment process"}
    names |= {a.id: f"step: {a.name}" for _, a in read_process(process_of(project)).actions()}
    for row, process in visible_runbooks(request.actor, project):
        names[row.public_id] = f"process: {row.name}"
        names |= {a.id: f"step: {row.name} / {a.name}" for _, a in process.actions()}
    return names | {a.id: f"step: {a.name}" for _, a in process_of_release(frozen).actions()}

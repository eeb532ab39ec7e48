"""Scopes of variables in words."""

from deployments.access.permissions import Permission
from deployments.access.web.pages import PageRequest
from deployments.infrastructure.models import Machine
from deployments.projects.queries import channels_of
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
        names |= {
            action.id: f"step: {action.name}" for _, action in process_of_release(frozen).actions()
        }
        request.scope_names = names  # type: ignore[attr-defined]  # kept for this request
    return [names.get(value, value) for values in scope.values() for value in values]

"""What names a tag by its canonical name, so that it can neither go nor change its name."""

from collections.abc import Iterator
from typing import Final

from deployments.access.models import RoleScope
from deployments.base.errors import Invalid
from deployments.base.models import Space
from deployments.infrastructure.models import Machine
from deployments.library.queries import variables_naming
from deployments.projects.models import Channel, DeploymentProcess
from deployments.projects.queries import read_process
from tenants.usage import registered_tag_uses

_MOST_SHOWN: Final = 5


def require_unused(space: Space, canonical: str, wish: str) -> None:
    """Raise Invalid that names what uses the tag; `wish` says what cannot be done to it."""
    uses = list(dict.fromkeys(_uses(space, canonical)))
    if uses:
        more = f" and {len(uses) - _MOST_SHOWN} more" if len(uses) > _MOST_SHOWN else ""
        raise Invalid(
            f"The tag '{canonical}' cannot be {wish} because it is used by"
            f" {', '.join(uses[:_MOST_SHOWN])}{more}."
        )


def _uses(space: Space, canonical: str) -> Iterator[str]:
    wanted = canonical.lower()
    for variable in variables_naming(space, "TenantTag", canonical):
        yield f"the variable '{variable.name}' of {variable.variable_set.owner_id}"
    processes = DeploymentProcess.objects.in_space(space).select_related("project")
    for process in processes:
        for _, action in read_process(process).actions():
            if wanted in {name.lower() for name in action.tenant_tags}:
                yield f"the step '{action.name}' of {process.project.name}"
    for channel in Channel.objects.in_space(space).select_related("project"):
        if wanted in {str(name).lower() for name in channel.extra.get("TenantTags") or ()}:
            yield f"the channel '{channel.name}' of {channel.project.name}"
    for machine in Machine.objects.in_space(space).exclude(tenant_tags=[]):
        if wanted in {str(name).lower() for name in machine.tenant_tags}:
            yield f"the deployment target '{machine.name}'"
    roles = RoleScope.objects.filter(
        kind=RoleScope.Kind.TENANT_TAG, object_id__iexact=canonical, scoped_role__space=space
    )
    for scope in roles.select_related("scoped_role__team"):
        yield f"a role of the team '{scope.scoped_role.team.name}'"
    yield from registered_tag_uses(space, canonical)

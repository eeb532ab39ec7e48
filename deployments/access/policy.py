"""Short forms of the one question: may this actor do that?"""

from collections.abc import Iterable
from typing import Final

from django.db import models

from deployments.access.grant_rules import Values
from deployments.access.grants import expand, load_grants
from deployments.base.actor import Actor
from deployments.base.errors import NotPermitted
from deployments.base.models import Space, SpaceOwned

_NOBODY: Final = 0
_DIMENSIONS = ("project", "project_group", "environment", "tenant")


def require(
    actor: Actor,
    space: Space,
    permission: str,
    *,
    project: Values = None,
    project_group: Values = None,
    environment: Values = None,
    tenant: Values = None,
) -> None:
    """Raise NotPermitted unless the actor holds the permission on a thing with these values."""
    load_grants(actor, space).require(
        permission,
        project=project,
        project_group=project_group,
        environment=environment,
        tenant=tenant,
    )


def allows(
    actor: Actor,
    space: Space,
    permission: str,
    *,
    project: Values = None,
    project_group: Values = None,
    environment: Values = None,
    tenant: Values = None,
) -> bool:
    """Tell whether the actor holds the permission on a thing with these values."""
    return load_grants(actor, space).allows(
        permission,
        project=project,
        project_group=project_group,
        environment=environment,
        tenant=tenant,
    )


def allows_on(actor: Actor, row: SpaceOwned, permission: str) -> bool:
    """Tell whether the actor holds the permission on the row, by its model's `scope_paths`."""
    return load_grants(actor, row.space).allows(permission, **scope_values(row))


def scope_values(row: SpaceOwned) -> dict[str, list[int]]:
    """Return what a row has in each dimension of roles, by its model's `scope_paths`."""
    found = {
        dimension: _values(row, path)
        for dimension, path in row.scope_paths.items()
        if dimension in _DIMENSIONS
    }
    tags = getattr(row, "tenant_tags", ())
    if "tenant" in found and isinstance(tags, list):  # tenants have rows of that name
        found["tenant"] = tenants_meant(row.space, found["tenant"], tags)
    return found


def tenants_meant(space: Space, tenants: Iterable[int], tags: Iterable[str]) -> list[int]:
    """Return the tenants that something is for: those that it names, and whom its tags mean.

    What is for tags that no tenant carries is not without a tenant, so it is for nobody's.
    """
    wanted = list(tags)
    found = sorted({*tenants, *expand(space, "tenant_tag", wanted)})
    return found or ([_NOBODY] if wanted else [])


def require_on(actor: Actor, row: SpaceOwned, permission: str) -> None:
    """Raise NotPermitted unless the actor holds the permission on the row."""
    if not allows_on(actor, row, permission):
        raise NotPermitted(permission)


def require_system(actor: Actor, permission: str) -> None:
    """Raise NotPermitted unless the actor holds the permission at system level."""
    load_grants(actor, None).require_system(permission)


def visibility(actor: Actor, space: Space, permission: str, model: type[models.Model]) -> models.Q:
    """Return the filter behind `visible_to`."""
    return load_grants(actor, space).q(permission, model)


def _values(row: models.Model, path: str) -> list[int]:
    """Return the row's numbers in one dimension, read from memory or with one query."""
    relation, _, field = path.rpartition("__")
    # A row that was read along with this one.
    near = row._state.fields_cache.get(relation) if relation else row  # noqa: SLF001 Django's name for it
    if near is not None:
        number = getattr(near, field)
        return [] if number is None else [number]
    rows = type(row)._base_manager.filter(pk=row.pk)  # noqa: SLF001 Django's public name
    return [number for number in rows.values_list(path, flat=True) if number is not None]

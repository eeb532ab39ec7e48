"""Creating, changing and deleting tenants."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction

from deployments.access.permissions import Permission
from deployments.access.policy import require, require_on
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.base.models import Space
from deployments.base.naming import free_slug, require_free_name, required_name
from deployments.infrastructure.models import Environment, MachineTenant
from deployments.library.services import forget_tenant
from deployments.projects.models import Project
from tenants.models import Tag, TagSet, Tenant, TenantTag
from tenants.queries import connections_of, tag_names, tags_of_space
from tenants.services.connections import replace_connections
from tenants.usage import registered_tenant_uses

# No grant that is limited to tenants covers one that does not exist yet.
NO_TENANT: Final = 0


@dataclass(frozen=True, slots=True)
class TenantInput:
    """A tenant as it shall be. `tags` are canonical names; `connections` None keeps them."""

    name: str
    tags: Sequence[str] = ()
    connections: Mapping[Project, Sequence[Environment]] | None = None
    description: str = ""
    slug: str = ""
    is_disabled: bool = False


def create_tenant(
    *,
    actor: Actor,
    space: Space,
    tenant: TenantInput,
    cloned_from: Tenant | None = None,
    clock: Clock = utc_now,
) -> Tenant:
    """Create a tenant; raises NotPermitted, or Invalid for what cannot be."""
    require(actor, space, Permission.TenantCreate, tenant=NO_TENANT)
    row = Tenant(space=space, created=clock(), cloned_from=cloned_from)
    with transaction.atomic():
        _fill(row, tenant)
        row.save(force_insert=True)
        _store_tags(row, tenant.tags)
        if tenant.connections is not None:
            replace_connections(actor, row, tenant.connections)
        record_tenant(actor, row, "Created", "created", after=tenant_snapshot(row))
    return row


def update_tenant(*, actor: Actor, row: Tenant, tenant: TenantInput) -> Tenant:
    """Give the tenant these values; connections that the actor may not see stay."""
    require_on(actor, row, Permission.TenantEdit)
    before = tenant_snapshot(row)
    with transaction.atomic():
        _fill(row, tenant)
        row.save()
        _store_tags(row, tenant.tags)
        if tenant.connections is not None:
            replace_connections(actor, row, tenant.connections)
        record_tenant(actor, row, "Modified", "changed", before=before, after=tenant_snapshot(row))
    return row


def delete_tenant(*, actor: Actor, row: Tenant) -> None:
    """Delete a tenant that was never deployed to; raises Invalid that says what keeps it."""
    require_on(actor, row, Permission.TenantDelete)
    uses = list(registered_tenant_uses(row))
    if uses:
        raise Invalid(
            f"The tenant '{row.name}' cannot be deleted because of {', '.join(uses)}. Disable it"
            " instead."
        )
    with transaction.atomic():
        record_tenant(actor, row, "Deleted", "deleted", before=tenant_snapshot(row))
        MachineTenant.objects.filter(machine__space=row.space, tenant_number=row.pk).delete()
        forget_tenant(row.space, row.pk)
        row.delete()


def tenant_snapshot(row: Tenant) -> dict[str, Any]:
    """Return what events compare of a tenant."""
    connections = connections_of([row.pk])[row.pk]
    return {
        "Name": row.name,
        "Slug": row.slug,
        "Description": row.description,
        "IsDisabled": row.is_disabled,
        "TenantTags": list(tag_names(row)),
        "ProjectEnvironments": {
            f"Projects-{project}": [f"Environments-{number}" for number in environments]
            for project, environments in sorted(connections.items())
        },
    }


def record_tenant(
    actor: Actor,
    row: Tenant,
    category: str,
    verb: str,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    related: Iterable[str] = (),
) -> None:
    """Record an act on a tenant."""
    events.record(
        actor=actor,
        space=row.space,
        category=category,
        message=f"Tenant {row.name} was {verb}",
        subject=row.public_id,
        related=related,
        before=before,
        after=after,
    )


def _fill(row: Tenant, tenant: TenantInput) -> None:
    row.name = required_name(tenant.name)
    row.description = tenant.description
    row.is_disabled = tenant.is_disabled
    require_free_name(row, "A tenant")
    row.slug = free_slug(row, tenant.slug or row.slug)


def _store_tags(row: Tenant, names: Sequence[str]) -> None:
    known = tags_of_space(row.space)
    unknown = sorted({name for name in names if name.strip().lower() not in known})
    if unknown:
        raise Invalid(fields={"TenantTags": [f"There is no tag '{name}'." for name in unknown]})
    wanted = {tag.pk: tag for tag in (known[name.strip().lower()] for name in names)}
    _require_single(wanted.values())
    stored = dict(TenantTag.objects.filter(tenant=row).values_list("tag_id", "pk"))
    gone = [number for tag, number in stored.items() if tag not in wanted]
    TenantTag.objects.filter(pk__in=gone).delete()
    TenantTag.objects.bulk_create(
        [TenantTag(tenant=row, tag=tag) for number, tag in wanted.items() if number not in stored]
    )


def _require_single(tags: Iterable[Tag]) -> None:
    by_set: dict[int, Tag] = {}
    for tag in tags:
        other = by_set.setdefault(tag.tag_set_id, tag)
        if other is not tag and tag.tag_set.kind == TagSet.Kind.SINGLE_SELECT:
            problem = (
                f"A tenant may carry one tag of the set '{tag.tag_set.name}' only, not both"
                f" '{other.name}' and '{tag.name}'."
            )
            raise Invalid(fields={"TenantTags": [problem]})

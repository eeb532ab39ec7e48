"""What tenants filled in that names an account or certificate."""

from collections.abc import Iterator

from deployments.access.permissions import Permission
from deployments.base.actor import Actor
from deployments.base.models import Space
from deployments.library.uses import Use
from tenants.models import Tenant, TenantCommonVariable, TenantVariable


def values_naming(actor: Actor, space: Space, public_id: str) -> Iterator[Use]:
    """Yield a use for each tenant with a value that is the id."""
    numbers: set[int] = set()
    for model in (TenantVariable, TenantCommonVariable):
        rows = model.objects.in_space(space).filter(value=public_id)
        numbers |= set(rows.values_list("tenant_id", flat=True))
    if not numbers:
        return
    seen = Tenant.objects.visible_to(actor, space, Permission.TenantView)
    mine = set(seen.filter(pk__in=numbers).values_list("pk", flat=True))
    for row in Tenant.objects.in_space(space).filter(pk__in=numbers).order_by("name"):
        yield Use(
            kind="TenantVariables",
            id=row.public_id,
            name=row.name,
            words=f"a value of the tenant {row.name}",
            path=f"tenants/{row.public_id}/variables",
            is_visible=row.pk in mine,
        )

"""Which environments and tenants an account or certificate is for: checking and storing it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deployments.base.models import Space
from deployments.library.models import TENANT_LINKS
from deployments.library.models.restricted import Restricted
from deployments.library.queries import environment_numbers_of, tenant_numbers_of
from deployments.library.tenancy import FoundTenancy, Tenancy, found_tenancy


@dataclass(frozen=True, slots=True)
class Restrictions:
    """Environments by number, none for all; `tenancy` None keeps the tenants it is for."""

    environments: Sequence[int] = ()
    tenancy: Tenancy | None = None


@dataclass(frozen=True, slots=True)
class FoundRestrictions:
    """The same as rows have it."""

    environments: tuple[int, ...]
    tenancy: FoundTenancy


def found_restrictions(row: Restricted, wanted: Restrictions) -> FoundRestrictions:
    """Return what the row shall be for. Raises Invalid for tenants and tags that are not there."""
    if wanted.tenancy is not None:
        tenancy = found_tenancy(row.space, wanted.tenancy)
    elif row.pk:
        stored = tenant_numbers_of([row])[row.pk]
        tenancy = FoundTenancy(row.participation, stored, list(row.tenant_tags))
    else:
        tenancy = found_tenancy(row.space, Tenancy())
    return FoundRestrictions(tuple(dict.fromkeys(wanted.environments)), tenancy)


def fill_restrictions(row: Restricted, found: FoundRestrictions) -> None:
    """Give the row its columns; `store_restrictions` writes the rest when it is stored."""
    row.tenanted_participation = found.tenancy.participation
    row.tenant_tags = list(found.tenancy.tags)


def store_restrictions(row: Restricted, found: FoundRestrictions) -> None:
    """Write the links of a stored row."""
    wanted = {
        "environment_links": ("environment_number", found.environments),
        "tenant_links": ("tenant_number", found.tenancy.tenants),
    }
    for relation, (field, numbers) in wanted.items():
        links: Any = getattr(row, relation)
        links.all().delete()
        model = links.model
        model.objects.bulk_create([model(owner=row, **{field: number}) for number in numbers])


def forget_tenant(space: Space, number: int) -> None:
    """Take a tenant that goes from whatever names it."""
    for model in TENANT_LINKS:
        model.objects.filter(owner__space=space, tenant_number=number).delete()


def restrictions_snapshot(row: Restricted) -> dict[str, Any]:
    """Return what events compare of them."""
    return {
        "EnvironmentIds": [f"Environments-{n}" for n in environment_numbers_of([row])[row.pk]],
        "TenantedDeploymentParticipation": str(row.tenanted_participation),
        "TenantIds": [f"Tenants-{number}" for number in tenant_numbers_of([row])[row.pk]],
        "TenantTags": list(row.tenant_tags),
    }

"""What releases keep of tenants and their tags, so that those must stay."""

from django.db.models import Q

from deployments.base.models import Space
from deployments.releases.models import Deployment, Release, VariableSetSnapshot
from tenants.models import Tenant


def deployments_of_tenant(tenant: Tenant) -> list[str]:
    """Return words for the deployments that a tenant had."""
    count = Deployment.objects.in_space(tenant.space).filter(tenant_number=tenant.pk).count()
    return [f"{count} deployment{'' if count == 1 else 's'}"] if count else []


def snapshots_with_tag(space: Space, canonical: str) -> list[str]:
    """Return words for the releases whose frozen variables are scoped to the tag."""
    wanted = canonical.lower()
    snapshots = [
        row.pk
        for row in VariableSetSnapshot.objects.in_space(space).iterator(chunk_size=100)
        if any(
            wanted in {str(name).lower() for name in document["scope"].get("TenantTag", ())}
            for document in row.variables
        )
    ]
    found = _with_snapshots(space, snapshots) if snapshots else ()
    return [f"the release {row.version} of {row.project.name}" for row in found]


def _with_snapshots(space: Space, snapshots: list[int]) -> list[Release]:
    """Return the releases with any of them, be it through a library set; newest first."""
    rows = Release.objects.in_space(space)
    through_library = [
        number
        for number, named in rows.exclude(library_snapshots=[]).values_list(
            "pk", "library_snapshots"
        )
        if not set(snapshots).isdisjoint(entry["number"] for entry in named)
    ]
    mine = Q(variable_snapshot__in=snapshots) | Q(pk__in=through_library)
    return list(rows.filter(mine).select_related("project").order_by("-pk"))

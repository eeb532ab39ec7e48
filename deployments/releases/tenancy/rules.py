"""Whether a release may be deployed for a tenant, or without one; pure.

The lifecycle is judged elsewhere (deployments.releases.progression).
"""

from collections.abc import Collection
from dataclasses import dataclass

from deployments.base.participation import Participation
from tenants.matching import matches_tags


@dataclass(frozen=True, slots=True)
class TenantCase:
    """A tenant against a project. `environments` connect the two; None means nothing does."""

    name: str
    tags: tuple[str, ...] = ()
    is_disabled: bool = False
    environments: frozenset[int] | None = None


def why_not_for(
    tenant: TenantCase | None,
    *,
    project: str,
    mode: str,
    channel: str = "",
    channel_tags: Collection[str] = (),
    environment: int | None = None,
    environment_name: str = "",
) -> str:
    """Return why not, empty when it may be. Without `environment` any connected one will do."""
    participation = Participation(mode)
    if tenant is None:
        if participation.allows_untenanted:
            return ""
        return f"The project '{project}' can be deployed only to tenants."
    if not participation.allows_tenants:
        return f"The project '{project}' is not deployed for tenants."
    if tenant.is_disabled:
        return f"The tenant '{tenant.name}' is disabled: nothing can be deployed for it."
    if tenant.environments is None:
        return f"The tenant '{tenant.name}' is not connected to the project '{project}'."
    if channel_tags and not matches_tags(channel_tags, tenant.tags):
        wanted = ", ".join(channel_tags)
        return (
            f"The channel '{channel}' is for tenants with the tags {wanted}, which"
            f" '{tenant.name}' does not have."
        )
    if environment is not None and environment not in tenant.environments:
        return (
            f"The tenant '{tenant.name}' is not connected to the environment"
            f" '{environment_name}' in the project '{project}'."
        )
    return ""

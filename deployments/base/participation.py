"""Whether a project, a runbook or a target is for tenants; the values of the wire."""

from enum import StrEnum


class Participation(StrEnum):
    """How something takes part in deployments for tenants."""

    UNTENANTED = "Untenanted"
    TENANTED_OR_UNTENANTED = "TenantedOrUntenanted"
    TENANTED = "Tenanted"

    @property
    def allows_tenants(self) -> bool:
        return self is not Participation.UNTENANTED

    @property
    def allows_untenanted(self) -> bool:
        return self is not Participation.TENANTED

"""The models of tenants."""

from tenants.models.connection import ConnectedEnvironment, ProjectConnection
from tenants.models.tag import Tag, TagSet
from tenants.models.tenant import Tenant, TenantLogo, TenantTag
from tenants.models.variable import TenantVariable

__all__ = [
    "ConnectedEnvironment",
    "ProjectConnection",
    "Tag",
    "TagSet",
    "Tenant",
    "TenantLogo",
    "TenantTag",
    "TenantVariable",
]

"""The models of tenants."""

from tenants.models.connection import ConnectedEnvironment, ProjectConnection
from tenants.models.tag import Tag, TagSet
from tenants.models.tenant import Tenant, TenantLogo, TenantTag
from tenants.models.variable import FilledValue, TenantCommonVariable, TenantVariable

__all__ = [
    "ConnectedEnvironment",
    "FilledValue",
    "ProjectConnection",
    "Tag",
    "TagSet",
    "Tenant",
    "TenantCommonVariable",
    "TenantLogo",
    "TenantTag",
    "TenantVariable",
]

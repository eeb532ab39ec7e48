"""Writing tenants."""

from tenants.services.cloning import clone_tenant
from tenants.services.connections import connect_project, disconnect_project
from tenants.services.tenants import TenantInput, create_tenant, delete_tenant, update_tenant

__all__ = [
    "TenantInput",
    "clone_tenant",
    "connect_project",
    "create_tenant",
    "delete_tenant",
    "disconnect_project",
    "update_tenant",
]

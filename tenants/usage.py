"""What upper floors know of the use of tags and tenants; they register it when they load."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from deployments.base.models import Space

if TYPE_CHECKING:
    from tenants.models import Tenant

TagUses = Callable[[Space, str], list[str]]
TenantUses = Callable[["Tenant"], list[str]]

_tag_uses: list[TagUses] = []
_tenant_uses: list[TenantUses] = []


def register_tag_uses(find: TagUses) -> None:
    """Register a search for what names a tag (its canonical name) so that it must stay."""
    _tag_uses.append(find)


def register_tenant_uses(find: TenantUses) -> None:
    """Register a search for what a tenant must stay for."""
    _tenant_uses.append(find)


def registered_tag_uses(space: Space, canonical: str) -> Iterator[str]:
    """Yield what names the tag, in words."""
    for find in _tag_uses:
        yield from find(space, canonical)


def registered_tenant_uses(tenant: "Tenant") -> Iterator[str]:
    """Yield what the tenant must stay for, in words."""
    for find in _tenant_uses:
        yield from find(tenant)

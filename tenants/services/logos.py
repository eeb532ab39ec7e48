"""Pictures of tenants."""

from typing import Final

from django.db import transaction

from deployments.access.permissions import Permission
from deployments.access.policy import require_on
from deployments.base.actor import Actor
from deployments.base.errors import Invalid
from tenants.models import Tenant, TenantLogo
from tenants.services.tenants import record_tenant

LARGEST: Final = 256 * 1024
# What the bytes say counts, not the sender. SVG is left out because it may carry scripts.
_STARTS: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


def set_logo(*, actor: Actor, tenant: Tenant, content: bytes) -> None:
    """Give the tenant a picture; no bytes take it away. Raises Invalid for what is none."""
    require_on(actor, tenant, Permission.TenantEdit)
    if len(content) > LARGEST:
        raise Invalid(f"The picture is larger than {LARGEST // 1024} KiB.")
    content_type = picture_type(content)
    if content and not content_type:
        raise Invalid("The picture must be a PNG, JPEG, GIF or WebP file.")
    with transaction.atomic():
        if content:
            TenantLogo.objects.update_or_create(
                tenant=tenant, defaults={"content_type": content_type, "content": content}
            )
            record_tenant(actor, tenant, "Modified", "given a picture")
        elif TenantLogo.objects.filter(tenant=tenant).delete()[0]:
            record_tenant(actor, tenant, "Modified", "deprived of its picture")


def picture_type(content: bytes) -> str:
    """Return the media type of a picture's bytes, empty when they are none that is allowed."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in _STARTS if content.startswith(start)), "")

"""How long patches are kept: as long as there is room, and their packages are."""

from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, Sum

from deployments.base.clock import Clock, utc_now
from packages_feed.ingest import current_limits
from packages_feed.models import PackagePatch, StoredBlob
from packages_feed.services.blobs import drop_after_commit

KEPT: Final = timedelta(days=30)
_BATCH: Final = 100


def trim_patches(*, clock: Clock = utc_now) -> int:
    """Delete patches that are old, whose packages are gone, or that were used least of too many.

    Returns how many.
    """
    blobs = StoredBlob.objects.all()
    stale = PackagePatch.objects.filter(
        Q(used__lt=clock() - KEPT)
        | ~Exists(blobs.filter(pk=OuterRef("base")))
        | ~Exists(blobs.filter(pk=OuterRef("target")))
    )
    count = sum(_delete(number) for number in list(stale.values_list("pk", flat=True)))
    limit = current_limits().patches
    stored = PackagePatch.objects.filter(blob__isnull=False)
    total = stored.aggregate(total=Sum("size"))["total"] or 0
    while total > limit:
        oldest = list(stored.order_by("used", "pk").values_list("pk", "size")[:_BATCH])
        for number, size in oldest:
            if total > limit:
                count += _delete(number)
                total -= size
        if not oldest:
            break
    return count


def _delete(number: int) -> int:
    with transaction.atomic():
        row = PackagePatch.objects.filter(pk=number).first()
        if row is None:
            return 0
        row.delete()
        if row.blob_id is not None:
            drop_after_commit(row.blob_id)
    return 1

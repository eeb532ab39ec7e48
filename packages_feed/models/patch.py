"""Patches between versions of packages, kept for agents that still lack the newer one."""

from typing import ClassVar

from django.db import models

from packages_feed.models.package import StoredBlob


class PackagePatch(models.Model):
    """What makes the package `target` of the package `base`, both named by their SHA-256.

    Without a `blob` it is still to be made, or never will be because of `refusal`. A worker has it
    until `claimed`; it is told again after `due`. After a patch that gave an agent something else,
    the next one `is_exact`. The row keeps neither package in the storage.
    """

    base = models.CharField(max_length=64)
    base_extension = models.CharField(max_length=20)
    target = models.CharField(max_length=64)
    target_extension = models.CharField(max_length=20)
    form = models.CharField(max_length=10)
    blob = models.ForeignKey(
        StoredBlob, on_delete=models.PROTECT, null=True, blank=True, related_name="patches"
    )
    size = models.BigIntegerField(default=0)
    used = models.DateTimeField(db_index=True)
    due = models.DateTimeField()
    claimed = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    refusal = models.TextField(blank=True)
    is_exact = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["target", "base", "form"], name="package_patch_unique")
        ]

    def __str__(self) -> str:
        return f"{self.base[:8]} to {self.target[:8]} ({self.form})"

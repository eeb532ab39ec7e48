"""Package versions of the built-in feed and the bytes behind them."""

from typing import ClassVar

from django.db import models

from deployments.base.models import SpaceIndexed
from packages_feed.models.fields import BytewiseCharField


class StoredBlob(models.Model):
    """Bytes in the package storage, addressed by content; deleted when no version names them."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    size = models.BigIntegerField()
    stored = models.DateTimeField()

    def __str__(self) -> str:
        return self.sha256


class PackageVersion(SpaceIndexed):
    """One version of one package.

    `id_lower` and `version_lower` (`Version.key`, metadata included) are the identity, ignoring
    case. `version_key` sorts as versions do (newest = greatest) and is equal for versions that
    differ in metadata only. The public id on the wire is `packages-{package_id}.{version}`.
    `search_text` and `package_types` are lower case, the latter as `,dependency,dotnettool,`.
    """

    id_prefix = "PackageVersions"

    package_id = models.CharField(max_length=200)
    id_lower = models.CharField(max_length=200)
    version = models.CharField(max_length=350)
    version_lower = BytewiseCharField(max_length=350)
    version_key = BytewiseCharField(max_length=700)
    is_prerelease = models.BooleanField(default=False)
    is_semver2 = models.BooleanField(default=False)
    extension = models.CharField(max_length=20)
    blob = models.ForeignKey(StoredBlob, on_delete=models.PROTECT, related_name="versions")
    size = models.BigIntegerField()
    sha1 = models.CharField(max_length=40)
    sha512 = models.CharField(max_length=128)
    listed = models.BooleanField(default=True)
    published = models.DateTimeField()
    published_by = models.CharField(max_length=100, blank=True)
    title = models.CharField(max_length=1000, blank=True)
    description = models.TextField(blank=True)
    tags = models.TextField(blank=True)
    search_text = models.TextField(blank=True)
    package_types = models.TextField(blank=True)
    metadata = models.JSONField(default=dict)

    class Meta:
        ordering: ClassVar = ["id_lower", "-version_key", "-version_lower"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["space", "id_lower", "version_lower"], name="package_version_unique"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["space", "id_lower", "-version_key"], name="package_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.package_id} {self.version}"

    @property
    def wire_id(self) -> str:
        return f"packages-{self.package_id}.{self.version}"

"""What is kept of external feeds: their lists of versions, and packages that were fetched."""

from typing import ClassVar

from django.db import models

from packages_feed.models.feed import Feed
from packages_feed.models.package import StoredBlob


class FeedListing(models.Model):
    """The versions of one package as the feed last told them: pairs of version and date, newest
    first.

    `problem` says why the feed could not be read at `asked`; the list is then that of `told`.
    """

    feed = models.ForeignKey(Feed, on_delete=models.CASCADE, related_name="listings")
    id_lower = models.CharField(max_length=300)
    versions = models.JSONField(default=list)
    told = models.DateTimeField(null=True, blank=True)
    asked = models.DateTimeField()
    problem = models.TextField(blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["feed", "id_lower"], name="feed_listing_unique")
        ]

    def __str__(self) -> str:
        return self.id_lower


class FetchedPackage(models.Model):
    """A version of an external feed whose bytes are wanted, or stored here by their hash.

    Without a `blob` it is still to come: asked for at `due`, after `attempts` that failed because
    of `problem`. A row that `given_up` is tried again when the next deployment wants it.
    """

    feed = models.ForeignKey(Feed, on_delete=models.CASCADE, related_name="fetched")
    package_id = models.CharField(max_length=300)
    id_lower = models.CharField(max_length=300)
    version = models.CharField(max_length=350)
    version_lower = models.CharField(max_length=350)
    extension = models.CharField(max_length=20, blank=True)
    blob = models.ForeignKey(
        StoredBlob, on_delete=models.PROTECT, null=True, blank=True, related_name="fetched"
    )
    size = models.BigIntegerField(default=0)
    used = models.DateTimeField(db_index=True)
    due = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    problem = models.TextField(blank=True)
    given_up = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["feed", "id_lower", "version_lower"], name="fetched_package_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.package_id} {self.version}"

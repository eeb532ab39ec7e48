"""The files that events are written to, day by day."""

from typing import ClassVar

from django.db import models

from deployments.base.public_ids import PublicId


class EventArchive(PublicId, models.Model):
    """The file of one day, kept by its SHA-256; `previous` is that of the file before it.

    `sealed_link` is what the row says, sealed: whoever alters the row cannot make it again.
    The rows of its events are gone from the database since `emptied`. When the file itself was
    deleted, the row stays as a link of the chain.
    """

    id_prefix = "EventArchives"

    day = models.DateField(unique=True)
    sha256 = models.CharField(max_length=64)
    previous = models.CharField(max_length=64, blank=True)
    size = models.BigIntegerField()
    count = models.PositiveIntegerField()
    sealed_link = models.BinaryField()
    created = models.DateTimeField()
    emptied = models.DateTimeField(null=True, blank=True)
    deleted = models.DateTimeField(null=True, blank=True)
    deleted_by = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering: ClassVar = ["-day"]
        indexes: ClassVar = [models.Index(fields=["sha256"], name="event_archive_file")]

    def __str__(self) -> str:
        return self.file_name

    @property
    def file_name(self) -> str:
        return f"events-{self.day:%Y-%m-%d}.jsonl"

    @property
    def secret_place(self) -> str:
        """The associated data of `sealed_link`."""
        return f"event-archive:{self.day:%Y-%m-%d}"

    @property
    def link(self) -> str:
        """What is sealed."""
        return f"{self.day:%Y-%m-%d} {self.sha256} {self.previous} {self.count}"

"""The files that events are written to, day by day."""

from datetime import UTC, datetime
from typing import ClassVar

from django.db import models

from deployments.base.public_ids import PublicId
from deployments.base.secrets import SecretUnreadable, secret_box


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
        """What is sealed; who deleted the file comes last, because it is any text."""
        fate = f"{_moment(self.emptied)} {_moment(self.deleted)} {self.deleted_by}"
        return f"{self.day:%Y-%m-%d} {self.sha256} {self.previous} {self.count} {fate}"

    @property
    def is_sealed(self) -> bool:
        """Tell whether the row says what was sealed."""
        box = secret_box()
        try:
            return box.open(bytes(self.sealed_link), place=self.secret_place).reveal() == self.link
        except SecretUnreadable:
            return False

    def sealed_anew(self) -> bytes:
        """Return what the row says now, sealed; see that it was sealed before it was changed."""
        return secret_box().seal(self.link, place=self.secret_place)


def _moment(at: datetime | None) -> str:
    return at.astimezone(UTC).isoformat() if at else "-"

"""The append-only stream of what happened; the input of audit, triggers and subscriptions."""

from typing import ClassVar

from django.db import models

from deployments.base.models.space import Space
from deployments.base.public_ids import PublicId


class Event(PublicId, models.Model):
    """One act. Consumers read them by transaction and id (deployments.base.following)."""

    id_prefix = "Events"

    space = models.ForeignKey(
        Space, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    category = models.CharField(max_length=80)
    occurred = models.DateTimeField()
    message = models.TextField()
    subject_id = models.CharField(max_length=300, blank=True)
    actor_id = models.CharField(max_length=100)
    actor_name = models.CharField(max_length=200)
    authentication = models.CharField(max_length=20)
    ip_address = models.CharField(max_length=64, blank=True)
    user_agent = models.CharField(max_length=300, blank=True)
    changes = models.JSONField(default=list)
    transaction_id = models.BigIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["space", "-id"], name="event_space_newest"),
            models.Index(fields=["space", "category", "-id"], name="event_space_category"),
            models.Index(fields=["transaction_id", "id"], name="event_stream"),
        ]

    def __str__(self) -> str:
        return self.message


class EventRelated(models.Model):
    """A document that an event is about; outlives the document."""

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="related")
    document_id = models.CharField(max_length=300)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["document_id", "event"], name="event_related")]

    def __str__(self) -> str:
        return self.document_id

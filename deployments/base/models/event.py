"""The append-only stream of what happened; the input of audit, triggers and subscriptions."""

from typing import Any, ClassVar, Self

from django.db import models

from deployments.base.models.space import Space
from deployments.base.public_ids import PublicId


class AppendOnly(TypeError):
    """Something tried to change or remove an event; a mistake of the programmer."""

    def __init__(self) -> None:
        super().__init__("Events are neither changed nor removed, but by their retention.")


class EventQuerySet(models.QuerySet["Event"]):
    """Refuses what would rewrite history; the database's triggers refuse it too."""

    def update(self, **values: Any) -> int:
        if set(values) != {"transaction_id"}:
            raise AppendOnly
        return super().update(**values)

    def delete(self) -> tuple[int, dict[str, int]]:
        raise AppendOnly


class Event(PublicId, models.Model):
    """One act. Consumers read them by transaction and id (deployments.base.following).

    An event outlives its space, whose number it keeps; `space` is then None where it is selected
    along. `credential` names the key of an API client, never the key itself.
    """

    id_prefix = "Events"

    space = models.ForeignKey(
        Space,
        on_delete=models.DO_NOTHING,
        null=True,
        blank=True,
        related_name="+",
        db_constraint=False,
    )
    category = models.CharField(max_length=80)
    occurred = models.DateTimeField()
    message = models.TextField()
    subject_id = models.CharField(max_length=300, blank=True)
    actor_id = models.CharField(max_length=100)
    actor_name = models.CharField(max_length=200)
    authentication = models.CharField(max_length=20)
    credential = models.CharField(max_length=250, blank=True)
    ip_address = models.CharField(max_length=64, blank=True)
    user_agent = models.CharField(max_length=300, blank=True)
    changes = models.JSONField(default=list)
    transaction_id = models.BigIntegerField(default=0)

    objects: ClassVar[models.Manager[Self]] = EventQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["space", "-id"], name="event_space_newest"),
            models.Index(fields=["space", "category", "-id"], name="event_space_category"),
            models.Index(fields=["transaction_id", "id"], name="event_stream"),
            models.Index(fields=["actor_id", "-id"], name="event_actor"),
            models.Index(fields=["occurred"], name="event_occurred"),
        ]

    def __str__(self) -> str:
        return self.message

    def save(self, *args: Any, **options: Any) -> None:
        if not self._state.adding:
            raise AppendOnly
        super().save(*args, **options)

    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        raise AppendOnly


class EventRelated(models.Model):
    """A document that an event is about; outlives the document."""

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="related")
    document_id = models.CharField(max_length=300)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["document_id", "event"], name="event_related")]

    def __str__(self) -> str:
        return self.document_id


class EventRemoval(models.Model):
    """While a transaction has a row here, it may remove events; the row is never committed.

    So the triggers of both databases can tell the retention of events from everything else.
    """

    reason = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.reason

"""How far each consumer of the stream of events has come."""

from django.db import models


class EventCursor(models.Model):
    """The place of one consumer; it moves in the transaction of what the consumer writes.

    `transaction_id` and `event_id` are those of the last event that it was given. Whoever holds
    the claim may move it until `claimed_until`.
    """

    consumer = models.CharField(max_length=100, primary_key=True)
    transaction_id = models.BigIntegerField(default=0)
    event_id = models.BigIntegerField(default=0)
    claimed_by = models.CharField(max_length=36, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return self.consumer

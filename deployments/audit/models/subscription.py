"""Subscriptions to events, and what was sent for them."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from deployments.access.models import User
from deployments.base.models import SpaceOwned


class Subscription(SpaceOwned):
    """Events of a space that are sent to a web address and to the members of teams.

    `wanted` is a filter by its names on the wire. The web address gets what the `owner`, who
    saved the subscription last, may see. Events up to the number `begins_after` are not its
    business. `claimed_until` is set while a worker sends. `problem` says why events were passed
    over, until the subscription is saved or served again.
    """

    id_prefix = "Subscriptions"

    name = models.CharField(max_length=200)
    is_disabled = models.BooleanField(default=False)
    owner = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    wanted = models.JSONField(default=dict)
    email_teams = models.JSONField(default=list)
    email_period_s = models.PositiveIntegerField(default=3600)
    email_priority = models.CharField(max_length=10, default="Normal")
    time_zone = models.CharField(max_length=100, default="UTC")
    webhook_uri = models.CharField(max_length=2000, blank=True)
    webhook_teams = models.JSONField(default=list)
    webhook_timeout_s = models.PositiveIntegerField(default=10)
    header_name = models.CharField(max_length=200, blank=True)
    sealed_header = models.BinaryField(null=True, blank=True)
    sealed_key = models.BinaryField(null=True, blank=True)
    begins_after = models.BigIntegerField(default=0)
    problem = models.CharField(max_length=300, blank=True, default="")
    claimed_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["space", "name"], name="subscription_name_unique")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def header_place(self) -> str:
        """The associated data of `sealed_header`."""
        return f"subscription:{self.pk}:header"

    @property
    def key_place(self) -> str:
        """The associated data of `sealed_key`."""
        return f"subscription:{self.pk}:key"


class DeliveryState(models.TextChoices):
    """A digest collects events until its time has come; then it waits to be sent."""

    COLLECTING = "Collecting", "Collecting events"
    WAITING = "Waiting", "Waiting"
    SENT = "Sent", "Sent"
    FAILED = "Failed", "Given up"


class Delivery(SpaceOwned):
    """One event for the web address, or the digest of one recipient.

    Of the events of a digest the first are kept (`event_ids`) and all counted.
    """

    id_prefix = "SubscriptionDeliveries"

    subscription = models.ForeignKey(
        Subscription, on_delete=models.CASCADE, related_name="deliveries"
    )
    recipient = models.ForeignKey(
        User, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    event_ids = models.JSONField(default=list)
    event_count = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=20, choices=DeliveryState.choices)
    created = models.DateTimeField()
    due = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    ended = models.DateTimeField(null=True, blank=True)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    answer = models.TextField(blank=True)
    problem = models.TextField(blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["subscription", "-id"], name="delivery_newest"),
            models.Index(
                fields=["due"],
                condition=Q(state__in=("Collecting", "Waiting")),
                name="delivery_due",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subscription_id}: {self.state}"

"""The mailbox: messages for agents, written in the transaction of the decision."""

from typing import ClassVar
from uuid import UUID

from django.db import models

from agent.contracts.uuid7 import uuid7
from deployments.base.clock import utc_now
from deployments.base.models import SpaceOwned
from deployments.execution.models.execution import ActionExecution
from deployments.infrastructure.models import Agent


def new_message_id() -> UUID:
    """Return a new id that sorts by time."""
    return UUID(uuid7(int(utc_now().timestamp() * 1000)))


class AgentMessage(SpaceOwned):
    """A `run` or `cancel` for an agent. The id of a `run` is the command's id on the wire.

    `sealed_body` is the spec, encrypted, emptied when finished. `offered` is a hint; truth
    begins with `accepted`. `cancelled` on a run says that a cancel stands beside it.
    """

    id_prefix = "AgentMessages"

    message_id = models.UUIDField(default=new_message_id, unique=True)
    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="messages")
    execution = models.ForeignKey(
        ActionExecution, on_delete=models.CASCADE, related_name="messages"
    )
    kind = models.CharField(max_length=20)
    header = models.JSONField(default=dict)
    sealed_body = models.BinaryField(null=True, blank=True)
    spec_sha256 = models.CharField(max_length=64, blank=True)
    created = models.DateTimeField()
    offered = models.DateTimeField(null=True, blank=True)
    accepted = models.DateTimeField(null=True, blank=True)
    started = models.DateTimeField(null=True, blank=True)
    finished = models.DateTimeField(null=True, blank=True)
    cancelled = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["execution", "kind"], name="one_message_of_a_kind")
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["agent", "id"],
                condition=models.Q(finished__isnull=True),
                name="message_unfinished",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.message_id}"

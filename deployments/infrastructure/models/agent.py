"""Agents (Tentacles): the software on a machine, its credential and its connection."""

from typing import ClassVar

from django.db import models

from deployments.base.models import Space, SpaceOwned


class Agent(SpaceOwned):
    """One installed Tentacle. A Machine or a Worker has exactly one.

    `credential_sha256` is the hash of the 256-bit credential given out at registration.
    `journal_high` is the number of records that the agent's journal had when it last connected.
    """

    id_prefix = "Agents"

    credential_sha256 = models.CharField(max_length=64, unique=True)
    revoked = models.DateTimeField(null=True, blank=True)
    quarantined = models.DateTimeField(null=True, blank=True)
    version = models.CharField(max_length=50, blank=True)
    operating_system = models.CharField(max_length=200, blank=True)
    capabilities = models.JSONField(default=dict)
    boot_id = models.CharField(max_length=100, blank=True)
    boot_id_flips = models.PositiveIntegerField(default=0)
    free_disk_bytes = models.BigIntegerField(null=True, blank=True)
    last_seen = models.DateTimeField(null=True, blank=True)
    journal_high = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return self.public_id


class AgentSession(models.Model):
    """The live connection of an agent; one row per agent, taken over by a newer connection.

    A gateway's writes name `number`; those of an older session are refused.
    """

    agent = models.OneToOneField(Agent, on_delete=models.CASCADE, related_name="session")
    number = models.BigIntegerField(default=0)
    gateway = models.CharField(max_length=200, blank=True)
    connected = models.DateTimeField(null=True, blank=True)
    disconnected = models.DateTimeField(null=True, blank=True)
    last_seen = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.agent} session {self.number}"


class RegistrationToken(models.Model):
    """A short-lived, one-use permission to register an agent; stored hashed.

    `registered` is the public id of the target or worker that it made. One that `is_worker` makes a
    worker, in the pools that it names.
    """

    space = models.ForeignKey(Space, on_delete=models.CASCADE, related_name="+")
    sha256 = models.CharField(max_length=64, unique=True)
    created_by = models.CharField(max_length=100)
    created = models.DateTimeField()
    expires = models.DateTimeField()
    used = models.DateTimeField(null=True, blank=True)
    environments = models.JSONField(default=list)
    roles = models.JSONField(default=list)
    is_built_in_worker = models.BooleanField(default=False)
    is_worker = models.BooleanField(default=False)
    worker_pools = models.JSONField(default=list)
    registered = models.CharField(max_length=100, blank=True)

    class Meta:
        ordering: ClassVar = ["-created"]

    def __str__(self) -> str:
        return f"token of {self.created}"

"""Upgrades of agents to the server's own version."""

from django.db import models

from deployments.infrastructure.models.agent import Agent


class UpgradeStage(models.TextChoices):
    """How far an upgrade is; those between Requested and the end are told by the agent."""

    WAITING = "waiting"
    REQUESTED = "requested"
    DOWNLOADING = "downloading"
    CHECKING = "checking"
    TRYING = "trying"
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    SILENT = "silent"
    HALTED = "halted"
    CANCELED = "canceled"


class AgentUpgrade(models.Model):
    """The last upgrade that was asked of an agent.

    `request` is repeated by the agent; what it says of an earlier request counts no more. Upgrades
    that were asked together share a `batch`.
    """

    agent = models.OneToOneField(Agent, on_delete=models.CASCADE, related_name="upgrade")
    request = models.CharField(max_length=40, unique=True)
    batch = models.CharField(max_length=40, db_index=True)
    version = models.CharField(max_length=50)
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    stage = models.CharField(max_length=20, choices=UpgradeStage.choices)
    detail = models.CharField(max_length=500, blank=True)
    requested_by = models.CharField(max_length=100)
    requested = models.DateTimeField()
    changed = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.agent} to {self.version}: {self.stage}"

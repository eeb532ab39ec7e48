"""What triggers, phases and schedules have still to do."""

from typing import ClassVar

from django.db import models

from deployments.infrastructure.models import Environment, Machine
from deployments.projects.models.project import Project
from deployments.projects.models.trigger import ProjectTrigger


class TriggerCall(models.Model):
    """News that have set a trigger off, until a worker has done what the trigger is for.

    `event_id` is the event behind them, `tenant_number` for whom it was, `notes` what a release
    that is created says. After a failure of the server it is tried again at `due`.
    """

    trigger = models.ForeignKey(ProjectTrigger, on_delete=models.CASCADE, related_name="calls")
    cause = models.CharField(max_length=300)
    event_id = models.CharField(max_length=100, blank=True)
    tenant_number = models.BigIntegerField(null=True, blank=True)
    notes = models.TextField(blank=True)
    due = models.DateTimeField()
    failures = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"{self.trigger}: {self.cause}"


class WaitingTarget(models.Model):
    """A deployment target that a trigger has marked: its event counted, its deployment comes.

    `settled_for` has the tenants (null for none) for whom that was decided already.
    """

    trigger = models.ForeignKey(
        ProjectTrigger, on_delete=models.CASCADE, related_name="waiting_targets"
    )
    machine = models.ForeignKey(Machine, on_delete=models.CASCADE, related_name="+")
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="+")
    cause = models.CharField(max_length=300)
    since = models.DateTimeField()
    has_been_told = models.BooleanField(default=False)
    settled_for = models.JSONField(default=list)

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["trigger", "machine", "environment"], name="waiting_target_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.machine} in {self.environment}"


class PendingDeployment(models.Model):
    """A deployment that a phase or a schedule is going to make: one of a roll-out to many.

    The release is that of `release_number`; without one the trigger chooses it for the tenant. With
    `runbook_number` it is a run of that runbook instead. It is made in the name of `actor_id`, of a
    trigger in that of who saved it last. After a failure of the server it is tried again at `due`.
    """

    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="pending_deployments"
    )
    trigger = models.ForeignKey(
        ProjectTrigger,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="pending_deployments",
    )
    release_number = models.BigIntegerField(null=True, blank=True)
    runbook_number = models.BigIntegerField(null=True, blank=True)
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="+")
    tenant_number = models.BigIntegerField(null=True, blank=True)
    phase = models.CharField(max_length=200, blank=True)
    cause = models.CharField(max_length=300)
    event_id = models.CharField(max_length=100, blank=True)
    actor_id = models.CharField(max_length=100, blank=True)
    actor_name = models.CharField(max_length=200, blank=True)
    due = models.DateTimeField()
    failures = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"{self.project} to {self.environment}"

"""Triggers: what makes a project deploy by itself, and why it did or did not."""

from typing import ClassVar

from django.db import models

from deployments.base.models import SpaceOwned
from deployments.infrastructure.models import Environment, Machine
from deployments.projects.models.project import Project


class ProjectTrigger(SpaceOwned):
    """A filter and an action, as documents of the wire (deployments.projects.triggers).

    It acts as who saved it last. `next_run` is there for schedules that are not paused.
    """

    id_prefix = "ProjectTriggers"
    scope_paths: ClassVar[dict[str, str]] = {
        "project": "project_id",
        "project_group": "project__group_id",
    }

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="triggers")
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    is_disabled = models.BooleanField(default=False)
    filter_type = models.CharField(max_length=40)
    filter = models.JSONField()
    action = models.JSONField()
    saved_by = models.CharField(max_length=100)
    saved_by_name = models.CharField(max_length=200)
    created = models.DateTimeField()
    next_run = models.DateTimeField(null=True, blank=True, db_index=True)
    last_run = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "name"], name="trigger_name_unique")
        ]
        indexes: ClassVar = [models.Index(fields=["space", "filter_type"], name="trigger_kind")]

    def __str__(self) -> str:
        return self.name


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


class WatchedPackage(models.Model):
    """The newest version of an external feed's package that a trigger has seen, and what is wrong
    with the feed."""

    trigger = models.ForeignKey(
        ProjectTrigger, on_delete=models.CASCADE, related_name="watched_packages"
    )
    feed_number = models.BigIntegerField()
    id_lower = models.CharField(max_length=300)
    version = models.CharField(max_length=350, blank=True)
    problem = models.TextField(blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["trigger", "feed_number", "id_lower"], name="watched_package_unique"
            )
        ]

    def __str__(self) -> str:
        return self.id_lower


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


class Outcome(models.TextChoices):
    """What came of a decision."""

    DEPLOYED = "Deployed", "Deployed"
    CREATED = "Created", "Release created"
    RUN = "Run", "Runbook run"
    NOTHING = "Nothing", "Nothing to do"
    WAITING = "Waiting", "Waiting"
    REFUSED = "Refused", "Refused"


class AutomationDecision(SpaceOwned):
    """One decision of a trigger, or without a trigger of a lifecycle: the cause and the reason.

    `release_id`, `environment_id` and `results` are public ids.
    """

    id_prefix = "AutomationDecisions"
    scope_paths: ClassVar[dict[str, str]] = {
        "project": "project_id",
        "project_group": "project__group_id",
    }

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="decisions")
    trigger = models.ForeignKey(
        ProjectTrigger, on_delete=models.CASCADE, null=True, blank=True, related_name="decisions"
    )
    made = models.DateTimeField(db_index=True)
    outcome = models.CharField(max_length=20, choices=Outcome.choices)
    cause = models.CharField(max_length=300)
    reason = models.TextField()
    event_id = models.CharField(max_length=100, blank=True)
    release_id = models.CharField(max_length=100, blank=True)
    environment_id = models.CharField(max_length=100, blank=True)
    tenant_id = models.CharField(max_length=100, blank=True)
    results = models.JSONField(default=list)

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["project", "-id"], name="decision_of_project"),
            models.Index(fields=["trigger", "-id"], name="decision_of_trigger"),
            models.Index(fields=["release_id", "-id"], name="decision_of_release"),
        ]

    def __str__(self) -> str:
        return f"{self.get_outcome_display()}: {self.reason}"
